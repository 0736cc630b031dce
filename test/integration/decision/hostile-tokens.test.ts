/** Tokens that are not to be believed, at the gRPC edge of a running service (hostile-fixture.ts). */
import { createHmac, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type HostileTarget, startHostileTarget } from "./hostile-fixture.ts";
import { claims, type Forged, honestKey, ISSUER, nowSeconds, part, token } from "./lone-decision.ts";

const strangeKey = generateKeyPairSync("ed25519");
/** Configured too, with another key under the same id. */
const SECOND = "https://second.example";
const secondKey = generateKeyPairSync("ed25519");

/** Where a token says that its key is; nobody has to ask there. */
const asked: string[] = [];
const elsewhere = createServer((request, response) => {
  asked.push(request.url ?? "");
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ keys: [{ ...strangeKey.publicKey.export({ format: "jwk" }), kid: "strange" }] }));
});

function ownKey(name: string): unknown {
  const address = elsewhere.address();
  const port = typeof address === "object" ? address?.port : undefined;
  if (name === "jwk") return strangeKey.publicKey.export({ format: "jwk" });
  return name === "x5c" ? ["MIIB"] : `http://127.0.0.1:${port}/${name}`;
}

let target: HostileTarget;
beforeAll(async () => {
  await once(elsewhere.listen(0, "127.0.0.1"), "listening");
  target = await startHostileTarget("hostile-tokens", undefined, {
    secondIssuer: { issuer: SECOND, publicKey: secondKey.publicKey },
  });
});
afterAll(async () => {
  elsewhere.close();
  await target[Symbol.asyncDispose]();
});
afterEach(() => target.expectServing());

describe("tokens that are not to be believed are 401, each with its reason", () => {
  const bearer = (forged: Partial<Forged>) => [`Bearer ${token(forged)}`];
  const publicPem = honestKey.publicKey.export({ type: "spki", format: "pem" });
  const byPublicKey = (input: string) => createHmac("sha256", publicPem).update(input).digest("base64url");

  test.each<[string, string, () => readonly string[]]>([
    ["expired", "credential_expired", () => bearer({ payload: claims({ exp: nowSeconds() - 60 }) })],
    ["not valid yet", "credential_not_yet_valid", () => bearer({ payload: claims({ nbf: nowSeconds() + 600 }) })],
    ["for another audience", "credential_audience_wrong", () => bearer({ payload: claims({ aud: "refunds" }) })],
    ["for no audience", "credential_audience_wrong", () => bearer({ payload: claims({ aud: undefined }) })],
    ["of another issuer", "credential_issuer_unknown", () => bearer({ payload: claims({ iss: `${ISSUER}/` }) })],
    ["without an end", "credential_claims_invalid", () => bearer({ payload: claims({ exp: undefined }) })],
    ["without a subject", "credential_claims_invalid", () => bearer({ payload: claims({ sub: "" }) })],
    ["alg none, unsigned", "credential_malformed", () => bearer({ header: { alg: "none" }, signature: () => "" })],
    [
      "alg none, with the signature of another",
      "credential_algorithm_refused",
      () => bearer({ header: { alg: "none" } }),
    ],
    [
      "HS256 by the public key",
      "credential_algorithm_refused",
      () => bearer({ header: { alg: "HS256" }, signature: byPublicKey }),
    ],
    [
      "signed by another key under our key id",
      "credential_signature_invalid",
      () => bearer({ key: strangeKey.privateKey }),
    ],
    [
      "signed by another issuer of ours, under the same key id",
      "credential_signature_invalid",
      () => bearer({ key: secondKey.privateKey }),
    ],
    [
      "of that other issuer, signed by the first",
      "credential_signature_invalid",
      () => bearer({ payload: claims({ iss: SECOND }) }),
    ],
    [
      "by a key id that nobody has",
      "credential_key_unknown",
      () => bearer({ header: { kid: "strange" }, key: strangeKey.privateKey }),
    ],
    ...["jwk", "jku", "x5u", "x5c"].map((name): [string, string, () => readonly string[]] => [
      `with its own key in the header, as ${name}`,
      "credential_signature_invalid",
      () => bearer({ header: { [name]: ownKey(name) }, key: strangeKey.privateKey }),
    ]),
    ...Object.entries({ crit: ["exp"], b64: false, zip: "DEF", enc: "A256GCM" }).map(
      ([name, value]): [string, string, () => readonly string[]] => [
        `honest but for a header that changes what it means, ${name}`,
        "credential_malformed",
        () => bearer({ header: { [name]: value } }),
      ],
    ),
    [
      "with claims of another token",
      "credential_signature_invalid",
      () => {
        const [head, , signature] = token().split(".");
        return [`Bearer ${head}.${part(claims({ sub: "root" }))}.${signature}`];
      },
    ],
    ["whose claims are no object", "credential_malformed", () => bearer({ payload: "[]" })],
    ["cut off", "credential_malformed", () => [`Bearer ${token().slice(0, 40)}`]],
    ["of 20 KiB", "credential_malformed", () => bearer({ payload: claims({ padding: "x".repeat(20_000) }) })],
    ["an empty header", "credential_malformed", () => [""]],
    ["no token behind the scheme", "credential_malformed", () => ["Bearer"]],
    ["another scheme", "credential_malformed", () => ["Basic ZGFuYTpkYW5h"]],
    ["two headers", "credential_malformed", () => [`Bearer ${token()}`, `Bearer ${token()}`]],
    ["two tokens in one header", "credential_malformed", () => [`Bearer ${token()}, Bearer ${token()}`]],
  ])("%s: %s", async (_what, reason, authorization) => {
    expect(await target.outcomeOfCheck("/orders/42", authorization())).toBe(`401 ${reason}`);
  });

  test("a blank behind the scheme is refused as such before anybody looks for a token", async () => {
    expect(await target.outcomeOfCheck("/orders/42", ["Bearer "])).toBe("400 request_parse_error");
  });

  test("and where a token says that its key is, nobody has asked", () => {
    expect([elsewhere.listening, asked]).toEqual([true, []]);
  });

  test("and each issuer's own, under that key id, is believed", async () => {
    const theirs = bearer({ payload: claims({ iss: SECOND }), key: secondKey.privateKey });
    expect(await target.outcomeOfCheck("/orders/42", theirs)).toBe("allow");
    expect(await target.outcomeOfCheck("/orders/42", bearer({}))).toBe("allow");
  });

  test("and none at all is anonymous, which no policy allows", async () => {
    expect(await target.outcomeOfCheck("/orders/42", [])).toBe("403 no_rule_matched");
  });
});
