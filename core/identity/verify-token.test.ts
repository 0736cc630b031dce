/** Tokens that must not be believed, one by one, and the few that must; long because it is the list. Signed by node:crypto, verified by jose. */
import { createSecretKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { instant } from "../domain/time.ts";
import { type Algorithm, isAlgorithm } from "./algorithms.ts";
import type { IssuerConfig } from "./issuers.ts";
import * as sample from "./sample-tokens.ts";
import { claims, encode, keys, NOW, NOW_SECONDS, signedText, token } from "./sample-tokens.ts";
import { createVerifyToken, type KeySetReader } from "./verify-token.ts";

const allKeys = sample.keySetOf(sample.jwksOf(keys));

function verifier(config: Partial<IssuerConfig> = {}, keySet: typeof allKeys | undefined = allKeys) {
  const requested: string[] = [];
  const keySets: KeySetReader = { current: () => keySet, requestRefresh: (issuer) => requested.push(issuer) };
  const verify = createVerifyToken({ issuers: sample.issuersOf(config), keySets });
  const outcome = async (text: string, now: number = NOW) => {
    const { caller } = await verify(text, instant(now));
    return caller.kind === "refused" ? caller.reason : caller.kind;
  };
  return { verify, outcome, requested };
}

const algorithms = sample.ALL_ALGORITHMS.filter(isAlgorithm);

describe("algorithms and keys", () => {
  const { outcome } = verifier();

  test.each(algorithms)("a token signed with %s is refused with every other type of key", async (algorithm) => {
    for (const [kid, { publicKey }] of Object.entries(keys)) {
      if (kid === sample.keyFor[algorithm]) continue;
      expect(await outcome(token(claims(), { kid }, algorithm))).toBe("credential_algorithm_refused");
      const single = sample.keySetOf(sample.jwksOf({ only: { publicKey, privateKey: publicKey } }));
      expect(await verifier({}, single).outcome(token(claims(), { kid: undefined }, algorithm))).toBe(
        "credential_algorithm_refused",
      );
    }
  });

  test.each(algorithms)("a token signed with %s is refused when the issuer does not list it", async (algorithm) => {
    const others = algorithms.filter((name) => name !== algorithm);
    expect(await verifier({ algorithms: others }).outcome(token(claims(), {}, algorithm))).toBe(
      "credential_algorithm_refused",
    );
  });

  test.each(algorithms)(
    "a token whose header says another algorithm than %s that signed it is refused",
    async (signer) => {
      for (const alg of algorithms.filter((name) => name !== signer)) {
        const reason = await outcome(token(claims(), { alg }, signer));
        expect(["credential_algorithm_refused", "credential_signature_invalid"]).toContain(reason);
      }
    },
  );

  test.each(["none", "None", "NONE", "", "HS256", "HS512", "RS1", "ES256K", "toString", "__proto__"])(
    "algorithm '%s' is refused",
    async (alg) => {
      const input = `${encode(JSON.stringify({ alg, kid: "rsa" }))}.${encode(JSON.stringify(claims()))}`;
      expect(await outcome(`${input}.`)).toBe("credential_malformed");
      expect(await outcome(`${input}.${encode("x")}`)).toBe("credential_algorithm_refused");
    },
  );

  test.each(["pem", "der"] as const)("HS256 with the public key (%s) as secret is refused", async (form) => {
    for (const [kid, { publicKey }] of Object.entries(keys)) {
      const type = "spki";
      const secret = createSecretKey(
        form === "pem"
          ? Buffer.from(publicKey.export({ type, format: "pem" }))
          : publicKey.export({ type, format: "der" }),
      );
      const header = JSON.stringify({ alg: "HS256", kid });
      expect(await outcome(signedText(header, JSON.stringify(claims()), "HS256", secret))).toBe(
        "credential_algorithm_refused",
      );
    }
  });

  test.each(algorithms)("an honest token signed with %s is its subject", async (algorithm) => {
    expect(await outcome(token(claims(), {}, algorithm))).toBe("subject");
  });
});

describe("headers", () => {
  const stranger = generateKeyPairSync("ed25519");
  const strangerJwk = stranger.publicKey.export({ format: "jwk" });

  test.each([
    ["jwk", strangerJwk],
    ["jku", "https://evil.example.com/keys"],
    ["x5u", "https://evil.example.com/cert"],
    ["x5c", ["MIIB"]],
  ])("a key that the token itself brings (%s) is not used", async (name, value) => {
    const { outcome } = verifier();
    const forged = token(claims(), { [name]: value }, "EdDSA", stranger.privateKey);
    expect(await outcome(forged)).toBe("credential_signature_invalid");
    expect(await outcome(token(claims(), { [name]: value }))).toBe("subject");
  });

  test.each([
    ["crit", ["exp"]],
    ["crit", []],
    ["b64", false],
    ["zip", "DEF"],
    ["enc", "A256GCM"],
    ["kid", 7],
    ["kid", "k".repeat(129)],
    ["kid", "é".repeat(65)],
    ["alg", 7],
    ["alg", null],
  ])("header %s = %j is malformed", async (name, value) => {
    expect(await verifier().outcome(token(claims(), { [name]: value }))).toBe("credential_malformed");
  });

  test.each(["../../etc/passwd", "' or 1=1 --", "__proto__", "constructor", "ED25519", "", "ed25519 "])(
    "a kid such as '%s' is only a name that is unknown, and asks for a refresh",
    async (kid) => {
      const { outcome, requested } = verifier();
      expect(await outcome(token(claims(), { kid }))).toBe("credential_key_unknown");
      expect(requested).toEqual([sample.ISSUER]);
    },
  );

  test("a token without kid is refused when several keys could be meant, and asks for nothing", async () => {
    const second = generateKeyPairSync("ed25519");
    const two = sample.keySetOf(sample.jwksOf({ ed25519: keys.ed25519, second }));
    const { outcome, requested } = verifier({}, two);
    expect(await outcome(token(claims(), { kid: undefined }))).toBe("credential_key_unknown");
    expect(requested).toEqual([]);
    expect(await verifier().outcome(token(claims(), { kid: undefined }))).toBe("subject");
  });

  test("two different keys of one type under one kid are both refused; of two types each serves its own", async () => {
    const second = generateKeyPairSync("ed25519");
    const jwk = (pair: sample.KeyPair) => ({ ...pair.publicKey.export({ format: "jwk" }), kid: "k" });
    const ambiguous = verifier({}, sample.keySetOf({ keys: [jwk(keys.ed25519), jwk(second)] }));
    expect(await ambiguous.outcome(token(claims(), { kid: "k" }))).toBe("credential_key_unknown");
    const mixed = verifier({}, sample.keySetOf({ keys: [jwk(keys.ed25519), jwk(keys.p256), jwk(keys.ed25519)] }));
    expect(await mixed.outcome(token(claims(), { kid: "k" }))).toBe("subject");
    expect(await mixed.outcome(token(claims(), { kid: "k" }, "ES256"))).toBe("subject");
  });

  test("with a configured typ, a token without it, an ID token, or one with an ID token's claims is refused", async () => {
    const { outcome } = verifier({ typ: "at+jwt" });
    expect(await outcome(token())).toBe("credential_type_wrong");
    for (const typ of ["JWT", "id+jwt", "", 7]) expect(await outcome(token(claims(), { typ }))).not.toBe("subject");
    expect(await outcome(token(claims({ at_hash: "x" }), { typ: "at+jwt" }))).toBe("credential_type_wrong");
    expect(await outcome(token(claims(), { typ: "at+jwt" }))).toBe("subject");
    expect(await outcome(token(claims(), { typ: "application/AT+JWT" }))).toBe("subject");
  });
});

describe("claims", () => {
  const { outcome } = verifier();

  test.each([
    ["iss", undefined, "credential_issuer_unknown"],
    ["iss", "https://id.example.com/", "credential_issuer_unknown"],
    ["iss", "https://ID.example.com", "credential_issuer_unknown"],
    ["iss", [sample.ISSUER], "credential_issuer_unknown"],
    ["iss", "__proto__", "credential_issuer_unknown"],
    ["aud", undefined, "credential_audience_wrong"],
    ["aud", "order", "credential_audience_wrong"],
    ["aud", ["orders2", "x"], "credential_audience_wrong"],
    ["aud", [], "credential_audience_wrong"],
    ["aud", { orders: true }, "credential_audience_wrong"],
    ["exp", undefined, "credential_claims_invalid"],
    ["exp", "1900000000", "credential_claims_invalid"],
    ["exp", -1, "credential_expired"],
    ["iat", undefined, "credential_claims_invalid"],
    ["iat", "now", "credential_claims_invalid"],
    ["nbf", "now", "credential_claims_invalid"],
    ["sub", undefined, "credential_claims_invalid"],
    ["sub", "", "credential_claims_invalid"],
    ["sub", 7, "credential_claims_invalid"],
    ["sub", "d".repeat(257), "credential_claims_invalid"],
    ["sub", "dana\r\nx-admin: 1", "credential_claims_invalid"],
    ["sub", "dana\u0000", "credential_claims_invalid"],
    ["sub", "dana\ud800", "credential_malformed"],
    ["groups", "engineers", "credential_claims_invalid"],
    ["groups", ["engineers", 7], "credential_claims_invalid"],
    ["groups", { engineers: true }, "credential_claims_invalid"],
    ["act", "agent", "credential_claims_invalid"],
    ["act", {}, "credential_claims_invalid"],
    ["act", { sub: "agent", act: { sub: "" } }, "credential_claims_invalid"],
    ["cnf", { jkt: "x" }, "credential_type_wrong"],
  ])("%s = %j is refused", async (name, value, reason) => {
    expect(await outcome(token(claims({ [name]: value })))).toBe(reason);
  });

  test("time claims hold to the second with the configured tolerance", async () => {
    const at = (changes: Record<string, unknown>) => outcome(token(claims(changes)));
    expect(await at({ exp: NOW_SECONDS - 31 })).toBe("credential_expired");
    expect(await at({ exp: NOW_SECONDS - 30 })).toBe("credential_expired");
    expect(await at({ exp: NOW_SECONDS - 29 })).toBe("subject");
    expect(await at({ nbf: NOW_SECONDS + 31 })).toBe("credential_not_yet_valid");
    expect(await at({ nbf: NOW_SECONDS + 30 })).toBe("subject");
    expect(await at({ iat: NOW_SECONDS + 31 })).toBe("credential_not_yet_valid");
    expect(await at({ iat: NOW_SECONDS + 30 })).toBe("subject");
    expect(await at({ iat: NOW_SECONDS - 3_631 })).toBe("credential_expired");
    expect(await at({ iat: NOW_SECONDS - 3_630 })).toBe("subject");
  });

  test("an honest token gives issuer, account, groups, actors, claims without times, and when it ends", async () => {
    const act = { sub: "agent", act: { iss: "https://other.example.com", sub: "planner" } };
    const { verify } = verifier({ groups_claim: "roles" });
    const { caller } = await verify(token(claims({ act, roles: ["a", "b"], aud: ["x", "orders"] })), NOW);
    expect(caller).toEqual({
      kind: "subject",
      expiresAt: NOW + 600_000,
      subject: {
        issuer: sample.ISSUER,
        id: "dana",
        groups: ["a", "b"],
        actors: [
          { issuer: sample.ISSUER, id: "agent" },
          { issuer: "https://other.example.com", id: "planner" },
        ],
        claims: {
          iss: sample.ISSUER,
          aud: ["x", "orders"],
          sub: "dana",
          groups: ["engineers"],
          roles: ["a", "b"],
          act,
        },
      },
    });
  });

  test("claims called __proto__ or constructor are claims and change nothing", async () => {
    const payload = `{"__proto__":{"groups":["admins"]},"constructor":1,${JSON.stringify(claims({ groups: undefined })).slice(1)}`;
    const { caller } = await verifier().verify(
      signedText('{"alg":"EdDSA","kid":"ed25519"}', payload, "EdDSA", keys.ed25519.privateKey),
      NOW,
    );
    if (caller.kind !== "subject") throw new Error(JSON.stringify(caller));
    expect(caller.subject.groups).toEqual([]);
    expect(Object.getPrototypeOf(caller.subject.claims)).toBeNull();
    expect(Object.keys(caller.subject.claims)).toContain("__proto__");
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test("more than eight actors are refused", async () => {
    let act: object | undefined;
    for (let depth = 0; depth < 9; depth += 1) act = { sub: `agent-${depth}`, ...(act && { act }) };
    expect(await outcome(token(claims({ act })))).toBe("credential_claims_invalid");
  });
});

describe("the text of a token", () => {
  const { outcome } = verifier();
  const good = token();
  const [header = "", payload = "", signature = ""] = good.split(".");
  const signText = (h: string, p: string) => signedText(h, p, "EdDSA", keys.ed25519.privateKey);
  const plain = '{"alg":"EdDSA","kid":"ed25519"}';

  test.each([
    ["nothing", ""],
    ["two parts", `${header}.${payload}`],
    ["four parts", `${good}.x`],
    ["five parts, as if encrypted", "a.b.c.d.e"],
    ["an empty signature", `${header}.${payload}.`],
    ["padding", `${header}=.${payload}.${signature}`],
    ["plain base64", `${header}.${payload}+/.${signature}`],
    ["a line break", `${header}\n.${payload}.${signature}`],
    ["a space inside", `${header}.${payload.slice(0, 9)} ${payload.slice(9)}.${signature}`],
    ["unused bits set", `${header}.${payload}.${signature.slice(0, -1)}${signature.endsWith("A") ? "B" : "_"}`],
    ["a huge token", token(claims({ blob: "x".repeat(16_384) }))],
    ["an array as payload", signText(plain, "[]")],
    ["JSON followed by more", signText(plain, `${JSON.stringify(claims())}x`)],
    ["a byte order mark", signText(plain, `\ufeff${JSON.stringify(claims())}`)],
    ["a name given twice", signText(plain, `{"sub":"max",${JSON.stringify(claims()).slice(1)}`)],
    ["a name given twice, once escaped", signText(plain, `{"s\\u0075b":"max",${JSON.stringify(claims()).slice(1)}`)],
    ["a name given twice deep inside", signText(plain, `{"x":[{"a":1,"a":2}],${JSON.stringify(claims()).slice(1)}`)],
    ["alg given twice", signText('{"alg":"none","alg":"EdDSA","kid":"ed25519"}', JSON.stringify(claims()))],
    ["a number beyond doubles", signText(plain, `{"x":1e999,${JSON.stringify(claims()).slice(1)}`)],
    [
      "deep nesting",
      signText(plain, `{"x":${"[".repeat(4_000)}${"]".repeat(4_000)},${JSON.stringify(claims()).slice(1)}`),
    ],
  ])("%s is malformed", async (_name, text) => {
    expect(await outcome(text)).toBe("credential_malformed");
  });

  test("invalid UTF-8 is malformed", async () => {
    const bytes = Buffer.concat([Buffer.from('{"sub":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(await outcome(`${header}.${bytes.toString("base64url")}.${signature}`)).toBe("credential_malformed");
  });

  test("colons and braces inside strings count as text", async () => {
    const odd = 'a":"b\\"{:}';
    expect(await outcome(token(claims({ odd, [odd]: [odd, { [odd]: odd }] })))).toBe("subject");
  });

  test("no change of one character is believed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.constantFrom(..."ABCdef019-_.= "), async (at, char) => {
        fc.pre(good[at] !== char);
        expect(await outcome(good.slice(0, at) + char + good.slice(at + 1))).not.toBe("subject");
      }),
      { numRuns: 500 },
    );
  });

  test("any bytes give a refusal and never an exception", async () => {
    const part = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json().map(encode),
      fc.constantFrom(header, payload, signature),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (parts) => {
        const text = parts.join(".");
        fc.pre(text !== good);
        expect(await outcome(text)).toMatch(/^credential_/);
      }),
      { numRuns: 1_000 },
    );
  });
});

test("an issuer whose keys were never had is keys_unavailable, and that is not remembered", async () => {
  const keySets: KeySetReader = { current: () => undefined, requestRefresh: () => {} };
  const verify = createVerifyToken({ issuers: sample.issuersOf({}), keySets });
  const algorithm: Algorithm = "EdDSA";
  expect(await verify(token(claims(), {}, algorithm), NOW)).toEqual({
    caller: { kind: "refused", reason: "keys_unavailable", issuer: sample.ISSUER },
    keys: undefined,
    validUntil: 0,
  });
});
