/**
 * Keys, issuers and tokens for tests: real keys of every type, and a signer that also makes what no honest issuer would. Signs with node:crypto;
 * core/identity/signature.test.ts compares verification with jose.
 */
import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { type Instant, instant } from "../../core/domain/time.ts";
import type { Algorithm } from "../../core/identity/algorithms.ts";
import { createIssuers, type IssuerConfig, type Issuers } from "../../core/identity/issuers.ts";
import { type KeySet, parseKeySet } from "../../core/identity/key-set.ts";

export const ISSUER = "https://id.example.com";
export const NOW: Instant = instant(1_800_000_000_000);
export const NOW_SECONDS = NOW / 1_000;

export type KeyPair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

export const keys = {
  ed25519: generateKeyPairSync("ed25519"),
  p256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  p384: generateKeyPairSync("ec", { namedCurve: "P-384" }),
  p521: generateKeyPairSync("ec", { namedCurve: "P-521" }),
  rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }),
} satisfies Record<string, KeyPair>;

export type KeyName = keyof typeof keys;

export const keyFor: Readonly<Record<Algorithm, KeyName>> = {
  EdDSA: "ed25519",
  ES256: "p256",
  ES384: "p384",
  ES512: "p521",
  RS256: "rsa",
  RS384: "rsa",
  RS512: "rsa",
  PS256: "rsa",
  PS384: "rsa",
  PS512: "rsa",
};

export const ALL_ALGORITHMS = Object.keys(keyFor);

/** `jwks_uri: undefined` takes the usual source of keys away. */
export type IssuerChanges = Partial<Omit<IssuerConfig, "jwks_uri">> & { readonly jwks_uri?: string | undefined };

export function issuerConfig(changes: IssuerChanges = {}): IssuerConfig {
  const { jwks_uri: uri, ...config } = {
    issuer: ISSUER,
    audience: ["orders"],
    algorithms: ALL_ALGORITHMS,
    jwks_uri: "https://id.example.com/keys",
    max_token_age: "1h",
    clock_tolerance: "30s",
    ...changes,
  };
  return uri === undefined ? config : { ...config, jwks_uri: uri };
}

export function issuersOf(...configs: readonly IssuerChanges[]): Issuers {
  return createIssuers(configs.map(issuerConfig));
}

export function jwksOf(pairs: Readonly<Record<string, KeyPair>>): { readonly keys: readonly object[] } {
  return {
    keys: Object.entries(pairs).map(([kid, { publicKey }]) => ({ ...publicKey.export({ format: "jwk" }), kid })),
  };
}

/** @throws when the set is of no use: a mistake of the test. */
export function keySetOf(jwks: unknown): KeySet {
  const parsed = parseKeySet(Buffer.from(JSON.stringify(jwks)));
  if (parsed.kind === "invalid") throw new Error(`no key set: ${parsed.reason}`);
  return parsed.keySet;
}

export function claims(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const times = { iat: NOW_SECONDS - 60, exp: NOW_SECONDS + 600 };
  return { iss: ISSUER, aud: "orders", sub: "dana", groups: ["engineers"], ...times, ...changes };
}

export const encode = (text: string | Buffer) => Buffer.from(text).toString("base64url");

/** A token with any header and payload text, signed as `algorithm` says. */
export function signedText(header: string, payload: string, algorithm: string, key: KeyObject): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${encode(signature(Buffer.from(input), algorithm, key))}`;
}

/** An honest token unless changed: signed with the key that suits the algorithm, kid = the key's name. */
export function token(
  payload: Readonly<Record<string, unknown>> = claims(),
  header: Readonly<Record<string, unknown>> = {},
  algorithm: Algorithm = "EdDSA",
  key: KeyObject = keys[keyFor[algorithm]].privateKey,
): string {
  const full = { alg: algorithm, kid: keyFor[algorithm], ...header };
  return signedText(JSON.stringify(full), JSON.stringify(payload), algorithm, key);
}

function signature(input: Buffer, algorithm: string, key: KeyObject): Buffer {
  const hash = `sha${algorithm.slice(2)}`;
  switch (algorithm.slice(0, 2)) {
    case "Ed":
      return sign(null, input, key);
    case "ES":
      return sign(hash, input, { key, dsaEncoding: "ieee-p1363" });
    case "PS": {
      const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
      return sign(hash, input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
    }
    case "HS":
      return createHmac(hash, key).update(input).digest();
    default:
      return sign(hash, input, key);
  }
}
