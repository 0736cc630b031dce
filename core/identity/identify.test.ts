/** From header values to a caller through the cache: what is remembered, for how long, and what a flood of bad tokens does to it. */
import { describe, expect, jest, test } from "@jest/globals";
import type { Caller } from "../domain/subject.ts";
import { instant } from "../domain/time.ts";
import { createIdentify } from "./identify.ts";
import type { KeySet } from "./key-set.ts";
import * as sample from "../../test/samples/tokens.ts";
import { claims, keys, NOW, token } from "../../test/samples/tokens.ts";
import { createTokenCache, TOKEN_CACHE_MS } from "./token-cache.ts";
import { createVerifyToken, type KeySetReader } from "./verify-token.ts";

const issuers = sample.issuersOf({ clock_tolerance: "0s" });
const first = sample.keySetOf(sample.jwksOf({ ed25519: keys.ed25519, p256: keys.p256 }));
const second = sample.keySetOf(sample.jwksOf({ p256: keys.p256 }));

function setUp(limits: Parameters<typeof createTokenCache>[1] = {}) {
  let keySet: KeySet | undefined = first;
  const keySets: KeySetReader = { current: () => keySet, requestRefresh: () => {} };
  const verify = jest.fn(createVerifyToken({ issuers, keySets }));
  const cache = createTokenCache({ verify, keySets }, limits);
  const rotate = (next: KeySet | undefined) => {
    keySet = next;
  };
  return { cache, verify, rotate, at: (text: string, laterMs = 0) => cache.verify(text, instant(NOW + laterMs)) };
}

const reasonOf = (caller: Caller) => (caller.kind === "refused" ? caller.reason : caller.kind);

describe("the authorization header", () => {
  const keySets: KeySetReader = { current: () => first, requestRefresh: () => {} };
  const { identify } = createIdentify({ issuers, keySets });
  const good = token();

  test.each([
    ["empty", [""]],
    ["a scheme alone", ["Bearer"]],
    ["a scheme and a space", ["Bearer "]],
    ["a token without scheme", [good]],
    ["another scheme", ["Basic ZGFuYTpwdw=="]],
    ["a scheme that only starts alike", [`Bearers ${good}`]],
    ["DPoP", [`DPoP ${good}`]],
    ["a leading space", [` Bearer ${good}`]],
    ["a trailing space", [`Bearer ${good} `]],
    ["a tab", [`Bearer\t${good}`]],
    ["two tokens joined", [`Bearer ${good}, Bearer ${good}`]],
    ["two tokens", [`Bearer ${good} ${good}`]],
    ["a line break", [`Bearer ${good}\r\nx: y`]],
    ["two headers", [`Bearer ${good}`, `Bearer ${good}`]],
    ["a good and an empty one", [`Bearer ${good}`, ""]],
    ["a huge token", [`Bearer ${"a".repeat(20_000)}`]],
  ])("%s is refused as malformed and never anonymous", (_name, authorization) => {
    expect(identify({ authorization }, NOW)).toEqual({ kind: "refused", reason: "credential_malformed" });
  });

  test("no header is anonymous; a bearer token in any case of the scheme is its subject", () => {
    expect(identify({ authorization: [] }, NOW)).toEqual({ kind: "anonymous" });
    for (const scheme of ["Bearer", "bearer", "BEARER "]) {
      expect(identify({ authorization: [`${scheme} ${good}`] }, NOW)).toMatchObject({
        kind: "subject",
        subject: { id: "dana" },
      });
    }
  });
});

describe("an outcome is remembered", () => {
  test("and given without another verification for 60 s", () => {
    const { at, verify } = setUp();
    const text = token();
    expect(reasonOf(at(text))).toBe("subject");
    expect(at(text, TOKEN_CACHE_MS - 1)).toMatchObject({ kind: "subject" });
    expect(verify).toHaveBeenCalledTimes(1);
    expect(reasonOf(at(text, TOKEN_CACHE_MS))).toBe("subject");
    expect(verify).toHaveBeenCalledTimes(2);
  });

  test("but not past the token's end, to the millisecond", () => {
    const { at } = setUp();
    const text = token(claims({ exp: sample.NOW_SECONDS + 10 }));
    expect(reasonOf(at(text))).toBe("subject");
    expect(reasonOf(at(text, 9_999))).toBe("subject");
    expect(reasonOf(at(text, 10_000))).toBe("credential_expired");
  });

  test("but not when the clock was set back", () => {
    const { at, verify } = setUp();
    const text = token(claims({ exp: sample.NOW_SECONDS + 10 }));
    for (let sight = 0; sight < 3; sight += 1) expect(reasonOf(at(text, 10_000))).toBe("credential_expired");
    expect(verify).toHaveBeenCalledTimes(2); // it is remembered
    expect(reasonOf(at(text, 0))).toBe("subject");
  });

  test("but not when the clock was set back by an hour: it is not valid yet, and is again once the clock is right", () => {
    const { at } = setUp();
    const text = token();
    for (let round = 0; round < 2; round += 1) {
      expect(reasonOf(at(text))).toBe("subject");
      expect(reasonOf(at(text, -3_600_000))).toBe("credential_not_yet_valid");
    }
    expect(reasonOf(at(text))).toBe("subject");
  });

  test("but not once the issuer's keys changed: a removed key stops at once, a new key counts at once", () => {
    const { at, rotate } = setUp();
    const old = token();
    expect(reasonOf(at(old))).toBe("subject");
    rotate(second);
    for (let sight = 0; sight < 3; sight += 1) expect(reasonOf(at(old))).toBe("credential_key_unknown");
    rotate(undefined);
    expect(reasonOf(at(old))).toBe("keys_unavailable");
    rotate(first);
    expect(reasonOf(at(old))).toBe("subject");
  });

  test("but not when it is that a token is not valid yet", () => {
    const { at } = setUp();
    const text = token(claims({ nbf: sample.NOW_SECONDS + 5 }));
    expect(reasonOf(at(text))).toBe("credential_not_yet_valid");
    expect(reasonOf(at(text, 5_000))).toBe("subject");
  });

  test("by the whole token: one that differs in a single byte is another", () => {
    const { at, verify } = setUp();
    const text = token();
    at(text);
    const place = text.length - 10;
    const other = `${text.slice(0, place)}${text[place] === "A" ? "B" : "A"}${text.slice(place + 1)}`;
    expect(reasonOf(at(other))).toBe("credential_signature_invalid");
    expect(verify).toHaveBeenCalledTimes(2);
  });
});

describe("what no longer holds is forgotten as others come", () => {
  const good = (count: number) => Array.from({ length: count }, (_, index) => token(claims({ sub: `user-${index}` })));

  test("but nothing that still holds, and not all at once", () => {
    const { at, cache } = setUp();
    for (const text of good(100)) at(text);
    at(token(), 1);
    at(token(claims({ sub: "another" })), TOKEN_CACHE_MS - 1);
    expect(cache.size().accepted.entries).toBe(102);
    for (let come = 1; come <= 10; come += 1) {
      at(token(claims({ iss: `https://${come}.example` })), TOKEN_CACHE_MS);
      expect(cache.size().accepted.entries).toBe(Math.max(2, 102 - 16 * come));
    }
  });

  test("also what was verified by keys that are gone", () => {
    const { at, cache, rotate } = setUp();
    for (const text of good(3)) at(text);
    rotate(second);
    at(token(claims(), {}, "ES256"));
    expect(cache.size().accepted.entries).toBe(1);
  });

  test("and so are refusals", () => {
    const { at, cache } = setUp();
    const bad = token(claims({ aud: "others" }));
    for (let sight = 0; sight < 2; sight += 1) at(bad);
    expect(cache.size().refused.entries).toBe(1);
    at(token(), TOKEN_CACHE_MS);
    expect(cache.size().refused).toEqual({ entries: 0, bytes: 0 });
  });
});

describe("a flood of distinct bad tokens", () => {
  const bad = (count: number) => {
    const [header, payload, signature = ""] = token().split(".");
    const forged = (index: number) =>
      Buffer.from(signature, "base64url")
        .fill(index, 0, 4)
        .fill(index >> 8, 4, 8);
    return Array.from({ length: count }, (_, index) => `${header}.${payload}.${forged(index).toString("base64url")}`);
  };

  test("evicts no good token and stays within its bounds", async () => {
    const limits = { maxEntries: 50, maxBytes: 100_000 };
    const { at, cache, verify } = setUp({ accepted: limits, refused: limits });
    const good = Array.from({ length: 20 }, (_, index) => token(claims({ sub: `user-${index}` })));
    for (const text of good) at(text);
    for (const text of bad(3_000)) {
      for (let sight = 0; sight < 2; sight += 1) expect(reasonOf(at(text))).toBe("credential_signature_invalid");
    }
    verify.mockClear();
    for (const text of good) expect(at(text)).toMatchObject({ kind: "subject" });
    expect(verify).not.toHaveBeenCalled();
    const { accepted, refused } = cache.size();
    expect(accepted.entries).toBe(20);
    expect(refused.entries).toBeGreaterThan(10);
    expect(refused.entries).toBeLessThanOrEqual(50);
    expect(refused.bytes).toBeLessThanOrEqual(100_000);
  });

  test("of 10,000, some a megabyte long, leaves good tokens known and nothing of itself", () => {
    const { at, cache, verify } = setUp();
    const good = token();
    at(good);
    verify.mockClear();
    const huge = "a".repeat(1024 * 1024);
    for (const [index, text] of bad(10_000).entries()) {
      expect(reasonOf(at(index % 1_000 === 0 ? `${huge}${index}` : text))).toMatch(/^credential_(signature|malformed)/);
      if (index % 100 === 0) expect(at(good)).toMatchObject({ kind: "subject" });
    }
    // What is too long is refused before anything looks at it, and nothing of it is kept.
    expect(verify).toHaveBeenCalledTimes(9_990);
    const { accepted, refused } = cache.size();
    expect(accepted.entries).toBe(1);
    expect(refused).toEqual({ entries: 0, bytes: 0 });
  }, 60_000);

  test("each of which comes twice stays within the bounds of the defaults", () => {
    const { at, cache } = setUp();
    for (const text of bad(3_000)) {
      for (let sight = 0; sight < 2; sight += 1) expect(reasonOf(at(text))).toBe("credential_signature_invalid");
    }
    const { refused } = cache.size();
    expect(refused.entries).toBeGreaterThan(1_000);
    expect(refused.entries).toBeLessThanOrEqual(2_000);
    expect(refused.bytes).toBeLessThanOrEqual(4 * 1024 * 1024);
  }, 60_000);

  test("that repeats itself is verified twice each, however often it comes", () => {
    const { at, verify } = setUp();
    for (let round = 0; round < 5; round += 1) {
      for (const text of bad(20)) expect(reasonOf(at(text))).toBe("credential_signature_invalid");
    }
    expect(verify).toHaveBeenCalledTimes(40);
  });

  test("of good tokens stays within the bounds too, by count and by bytes", () => {
    const { at, cache } = setUp({ accepted: { maxEntries: 1_000, maxBytes: 50_000 } });
    for (let index = 0; index < 200; index += 1) at(token(claims({ sub: `user-${index}` })));
    const { accepted } = cache.size();
    expect(accepted.bytes).toBeLessThanOrEqual(50_000);
    expect(accepted.entries).toBeGreaterThan(5);
  });
});
