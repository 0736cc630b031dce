/** Tokens that must not be believed for how they are signed, one by one, and the few that must. Signed and verified by node:crypto; signature.test.ts has jose sign. */
import { createSecretKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { type Algorithm, algorithmNamed } from "./algorithms.ts";
import * as sample from "../../test/samples/tokens.ts";
import { claims, encode, keys, NOW, signedText, token } from "../../test/samples/tokens.ts";
import { verifier } from "../../test/samples/token-verifier.ts";
import { createVerifyToken, type KeySetReader } from "./verify-token.ts";

const algorithms = sample.ALL_ALGORITHMS.flatMap((name) => algorithmNamed(name) ?? []);

describe("algorithms and keys", () => {
  const { outcome } = verifier();

  test.each(algorithms)("a token signed with %s is refused with every other type of key", (algorithm) => {
    for (const [kid, { publicKey }] of Object.entries(keys)) {
      if (kid === sample.keyFor[algorithm]) continue;
      expect(outcome(token(claims(), { kid }, algorithm))).toBe("credential_algorithm_refused");
      const single = sample.keySetOf(sample.jwksOf({ only: { publicKey, privateKey: publicKey } }));
      expect(verifier({}, single).outcome(token(claims(), { kid: undefined }, algorithm))).toBe(
        "credential_algorithm_refused",
      );
    }
  });

  test.each(algorithms)("a token signed with %s is refused when the issuer does not list it", (algorithm) => {
    const others = algorithms.filter((name) => name !== algorithm);
    expect(verifier({ algorithms: others }).outcome(token(claims(), {}, algorithm))).toBe(
      "credential_algorithm_refused",
    );
  });

  test.each(algorithms)("a token whose header says another algorithm than %s that signed it is refused", (signer) => {
    for (const alg of algorithms.filter((name) => name !== signer)) {
      const reason = outcome(token(claims(), { alg }, signer));
      expect(["credential_algorithm_refused", "credential_signature_invalid"]).toContain(reason);
    }
  });

  test.each(["none", "None", "NONE", "", "HS256", "HS512", "RS1", "ES256K", "toString", "__proto__"])(
    "algorithm '%s' is refused",
    (alg) => {
      const input = `${encode(JSON.stringify({ alg, kid: "rsa" }))}.${encode(JSON.stringify(claims()))}`;
      expect(outcome(`${input}.`)).toBe("credential_malformed");
      expect(outcome(`${input}.${encode("x")}`)).toBe("credential_algorithm_refused");
    },
  );

  test.each(["pem", "der"] as const)("HS256 with the public key (%s) as secret is refused", (form) => {
    for (const [kid, { publicKey }] of Object.entries(keys)) {
      const type = "spki";
      const secret = createSecretKey(
        form === "pem"
          ? Buffer.from(publicKey.export({ type, format: "pem" }))
          : publicKey.export({ type, format: "der" }),
      );
      const header = JSON.stringify({ alg: "HS256", kid });
      expect(outcome(signedText(header, JSON.stringify(claims()), "HS256", secret))).toBe(
        "credential_algorithm_refused",
      );
    }
  });

  test.each(algorithms)("an honest token signed with %s is its subject", (algorithm) => {
    expect(outcome(token(claims(), {}, algorithm))).toBe("subject");
  });
});

describe("Ed25519, as RFC 9864 names what RFC 8037 calls EdDSA", () => {
  const named = { alg: "Ed25519" };

  test("opens nothing where another algorithm is configured, by another key, or with a signature of another", () => {
    expect(verifier({ algorithms: ["ES256"] }).outcome(token(claims(), named))).toBe("credential_algorithm_refused");
    expect(verifier().outcome(token(claims(), { ...named, kid: "p256" }))).toBe("credential_algorithm_refused");
    expect(verifier().outcome(token(claims(), { ...named, kid: "ed25519" }, "ES256"))).toBe(
      "credential_signature_invalid",
    );
    for (const alg of ["Ed448", "ed25519", "ED25519"]) {
      expect(verifier().outcome(token(claims(), { alg }))).toBe("credential_algorithm_refused");
    }
  });

  test.each([
    ["EdDSA", {}],
    ["EdDSA", named],
    ["Ed25519", {}],
    ["Ed25519", named],
  ])("is the same algorithm: configured as %s, in a header %j", (algorithm, header) => {
    expect(verifier({ algorithms: [algorithm] }).outcome(token(claims(), header))).toBe("subject");
  });

  test("is the same for a key that says its algorithm by either name", () => {
    const [jwk] = sample.jwksOf({ ed25519: keys.ed25519 }).keys;
    for (const alg of ["EdDSA", "Ed25519"]) {
      const { outcome } = verifier({}, sample.keySetOf({ keys: [{ ...jwk, alg }] }));
      for (const header of [{}, named]) expect(outcome(token(claims(), header))).toBe("subject");
    }
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
  ])("a key that the token itself brings (%s) is not used", (name, value) => {
    const { outcome } = verifier();
    const forged = token(claims(), { [name]: value }, "EdDSA", stranger.privateKey);
    expect(outcome(forged)).toBe("credential_signature_invalid");
    expect(outcome(token(claims(), { [name]: value }))).toBe("subject");
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
  ])("header %s = %j is malformed", (name, value) => {
    expect(verifier().outcome(token(claims(), { [name]: value }))).toBe("credential_malformed");
  });

  test.each(["../../etc/passwd", "' or 1=1 --", "__proto__", "constructor", "ED25519", "", "ed25519 "])(
    "a kid such as '%s' is only a name that is unknown, and asks for a refresh",
    (kid) => {
      const { outcome, requested } = verifier();
      expect(outcome(token(claims(), { kid }))).toBe("credential_key_unknown");
      expect(requested).toEqual([sample.ISSUER]);
    },
  );

  test("a token without kid is refused when several keys could be meant, and asks for nothing", () => {
    const second = generateKeyPairSync("ed25519");
    const two = sample.keySetOf(sample.jwksOf({ ed25519: keys.ed25519, second }));
    const { outcome, requested } = verifier({}, two);
    expect(outcome(token(claims(), { kid: undefined }))).toBe("credential_key_unknown");
    expect(requested).toEqual([]);
    expect(verifier().outcome(token(claims(), { kid: undefined }))).toBe("subject");
  });

  test("two different keys of one type under one kid are both refused; of two types each serves its own", () => {
    const second = generateKeyPairSync("ed25519");
    const jwk = (pair: sample.KeyPair) => ({ ...pair.publicKey.export({ format: "jwk" }), kid: "k" });
    const ambiguous = verifier({}, sample.keySetOf({ keys: [jwk(keys.ed25519), jwk(second)] }));
    expect(ambiguous.outcome(token(claims(), { kid: "k" }))).toBe("credential_key_unknown");
    const mixed = verifier({}, sample.keySetOf({ keys: [jwk(keys.ed25519), jwk(keys.p256), jwk(keys.ed25519)] }));
    expect(mixed.outcome(token(claims(), { kid: "k" }))).toBe("subject");
    expect(mixed.outcome(token(claims(), { kid: "k" }, "ES256"))).toBe("subject");
  });

  test("an ID token is none that opens an API, by what only it holds, unless the issuer's configuration says so", () => {
    for (const name of ["nonce", "at_hash", "c_hash", "s_hash"]) {
      expect(verifier().outcome(token(claims({ [name]: "x" })))).toBe("credential_type_wrong");
      expect(verifier({ id_tokens: "accepted" }).outcome(token(claims({ [name]: "x" })))).toBe("subject");
    }
    expect(verifier().outcome(token())).toBe("subject");
  });

  test("with a configured typ, a token without it, an ID token, or one with an ID token's claims is refused", () => {
    const { outcome } = verifier({ typ: "at+jwt" });
    expect(outcome(token())).toBe("credential_type_wrong");
    for (const typ of ["JWT", "id+jwt", "", 7]) expect(outcome(token(claims(), { typ }))).not.toBe("subject");
    expect(outcome(token(claims({ at_hash: "x" }), { typ: "at+jwt" }))).toBe("credential_type_wrong");
    expect(outcome(token(claims(), { typ: "at+jwt" }))).toBe("subject");
    expect(outcome(token(claims(), { typ: "application/AT+JWT" }))).toBe("subject");
  });
});

describe("of two issuers whose keys have the same id", () => {
  const OTHER = "https://other.example.com";
  const others = generateKeyPairSync("ed25519");
  const held = new Map([
    [sample.ISSUER, sample.keySetOf(sample.jwksOf({ ed25519: keys.ed25519 }))],
    [OTHER, sample.keySetOf(sample.jwksOf({ ed25519: others }))],
  ]);
  const requested: string[] = [];
  const keySets: KeySetReader = {
    current: (issuer) => held.get(issuer),
    requestRefresh: (issuer) => requested.push(issuer),
  };
  const verify = createVerifyToken({
    issuers: sample.issuersOf({}, { issuer: OTHER, audience: ["refunds"] }),
    keySets,
  });
  const own = { iss: sample.ISSUER, aud: "orders", sub: "dana" };
  const foreign = { iss: OTHER, aud: "refunds", sub: "dana" };

  test.each([
    ["the first, signed by the second", own, others, "credential_signature_invalid"],
    ["the second, signed by the first", foreign, keys.ed25519, "credential_signature_invalid"],
    [
      "the first, for the audience of the second",
      { ...own, aud: "refunds" },
      keys.ed25519,
      "credential_audience_wrong",
    ],
    ["the second, for the audience of the first", { ...foreign, aud: "orders" }, others, "credential_audience_wrong"],
  ])("a token of %s, is refused, and its refusal depends on the keys of whom it names", (_what, said, pair, reason) => {
    const { caller, keys: asked } = verify(token(claims(said), {}, "EdDSA", pair.privateKey), NOW);
    expect(caller).toEqual({ kind: "refused", reason, issuer: said.iss });
    expect(asked).toEqual({ issuer: said.iss, keySet: held.get(said.iss) });
  });

  test("each one's own is its subject, of its issuer, and an unknown key is asked of whom the token names", () => {
    for (const [said, pair] of [[own, keys.ed25519] as const, [foreign, others] as const]) {
      const honest = verify(token(claims(said), {}, "EdDSA", pair.privateKey), NOW);
      expect(honest.caller).toMatchObject({ kind: "subject", subject: { id: "dana", issuer: said.iss } });
      expect(honest.keys?.keySet).toBe(held.get(said.iss));
      verify(token(claims(said), { kid: "next" }, "EdDSA", pair.privateKey), NOW);
    }
    expect(requested).toEqual([sample.ISSUER, OTHER]);
  });
});

test("an issuer whose keys were never had is keys_unavailable, and that is not remembered", () => {
  const keySets: KeySetReader = { current: () => undefined, requestRefresh: () => {} };
  const verify = createVerifyToken({ issuers: sample.issuersOf({}), keySets });
  const algorithm: Algorithm = "EdDSA";
  expect(verify(token(claims(), {}, algorithm), NOW)).toEqual({
    caller: { kind: "refused", reason: "keys_unavailable", issuer: sample.ISSUER },
    keys: undefined,
    validUntil: 0,
  });
});
