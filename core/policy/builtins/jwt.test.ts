import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { callBuiltin } from "../../../test/harness/run-builtin.ts";

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = keys.publicKey.export({ type: "spki", format: "pem" }).toString();
const jwk = (key: typeof keys.publicKey, members: object) => ({ ...key.export({ format: "jwk" }), ...members });

function rs256(header: object, payload: object): string {
  const signed = `${part({ alg: "RS256", ...header })}.${part(payload)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), keys.privateKey).toString("base64url")}`;
}

function hs256(payload: object, header: object = {}): string {
  const signed = `${part({ alg: "HS256", ...header })}.${part(payload)}`;
  return `${signed}.${createHmac("sha256", "secret").update(signed).digest("base64url")}`;
}

const verify = (token: string, constraints: object): string => callBuiltin("io.jwt.decode_verify", token, constraints);
const FAILED = "[false, {}, {}]";

describe("a token that cannot be trusted", () => {
  test("a critical header parameter that nobody knows fails the check", () => {
    expect(verify(rs256({ crit: ["x"], x: 1 }, {}), { cert: pem })).toBe(FAILED);
    expect(verify(rs256({ crit: ["kid"], kid: "a" }, {}), { cert: pem })).toContain("[true, ");
  });

  test("the key that bears the token's own kid is the only one tried, even when another would fit", () => {
    const set = JSON.stringify({
      keys: [jwk(other.publicKey, { kid: "a" }), jwk(keys.publicKey, { kid: "b" })],
    });
    expect(verify(rs256({ kid: "a" }, {}), { cert: set })).toBe(FAILED);
    expect(verify(rs256({ kid: "c" }, {}), { cert: set })).toContain("[true, ");
  });

  test("a key for another algorithm is not tried", () => {
    const set = JSON.stringify({ keys: [jwk(keys.publicKey, { alg: "PS256" })] });
    expect(verify(rs256({}, {}), { cert: set })).toBe(FAILED);
  });

  test("anything behind a PEM block is refused, as is an unknown type of key in a set", () => {
    expect(verify(rs256({}, {}), { cert: `${pem}\n# comment` })).toBe("error");
    expect(verify(rs256({}, {}), { cert: JSON.stringify({ keys: [{ kty: "XX" }] }) })).toBe("error");
  });

  test("an encrypted token, two sections, padding that is wrong: errors", () => {
    expect(callBuiltin("io.jwt.decode", hs256({}, { enc: "A" }))).toBe("error");
    expect(callBuiltin("io.jwt.decode", "a.b")).toBe("error");
    expect(callBuiltin("io.jwt.decode", `${part({})}.${part({})}.A`)).toBe("error");
  });

  test("exp and nbf count to the digit, and a text in them is an error", () => {
    const constraints = (seconds: number) => ({ secret: "secret", time: seconds * 1e9 });
    expect(verify(hs256({ exp: 1_000 }), constraints(1_000))).toBe(FAILED);
    expect(verify(hs256({ exp: 1_000 }), constraints(999.5))).toContain("[true, ");
    expect(verify(hs256({ nbf: 1_000 }), constraints(999.5))).toBe(FAILED);
    expect(verify(hs256({ nbf: 1_000 }), constraints(1_000))).toContain("[true, ");
    expect(verify(hs256({ exp: "1000" }), constraints(1))).toBe("error");
  });

  test("a public key cannot sign, and a payload of type JWT must be JSON", () => {
    const publicJwk = keys.publicKey.export({ format: "jwk" });
    expect(callBuiltin("io.jwt.encode_sign", { alg: "RS256" }, {}, publicJwk)).toBe("error");
    const secret = JSON.stringify({ kty: "oct", k: "c2VjcmV0" });
    expect(callBuiltin("io.jwt.encode_sign_raw", '{"alg":"HS256"}', "no json", secret)).toBe("error");
    expect(callBuiltin("io.jwt.encode_sign_raw", '{"alg":"HS256","typ":"text"}', "no json", secret)).not.toBe("error");
  });
});

test("what is signed here verifies here, for every family of keys", () => {
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ed = generateKeyPairSync("ed25519");
  for (const [alg, pair] of Object.entries({ RS256: keys, PS512: keys, ES256: ec, EdDSA: ed })) {
    const token = callBuiltin("io.jwt.encode_sign", { alg }, { a: 1 }, pair.privateKey.export({ format: "jwk" }));
    const set = JSON.stringify(pair.publicKey.export({ format: "jwk" }));
    expect(verify(JSON.parse(token), { cert: set, alg })).toContain('[true, {"alg"');
    expect(callBuiltin(`io.jwt.verify_${alg.toLowerCase()}`, JSON.parse(token), set)).toBe("true");
  }
});
