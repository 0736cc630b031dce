/**
 * One issuer's public keys, parsed once. A JWK set (RFC 7517) comes from outside: keys that are symmetric, private, too weak, for encryption or
 * of unknown type are left out and counted; a set without a usable key is refused. If two different keys could be meant by one token (same kid,
 * same algorithm), both are refused, because trying all would let a set decide how much a bad token costs.
 */
import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { type Algorithm, algorithmNamed, algorithmsOf } from "./algorithms.ts";
import { isObject, type JsonObject, parseStrictObject } from "./strict-json.ts";

export const MAX_KEY_SET_BYTES = 64 * 1024;
const MAX_KEYS = 32;
const MAX_KID_BYTES = 128;

type VerificationKey = {
  readonly kid: string | undefined;
  readonly algorithms: readonly Algorithm[];
  readonly key: KeyObject;
  /** The public members only, as persisted. */
  readonly jwk: JsonWebKey;
};

export type KeySet = {
  readonly keys: readonly VerificationKey[];
  /** Changes exactly when a usable key comes, goes or changes. */
  readonly fingerprint: string;
  /** Keys that were offered and are of no use here. */
  readonly ignored: number;
};

export type KeySetFault = "too_large" | "not_a_key_set" | "too_many_keys" | "no_usable_key";

type ParsedKeySet =
  | { readonly kind: "parsed"; readonly keySet: KeySet }
  | { readonly kind: "invalid"; readonly reason: KeySetFault };

type KeyChoice =
  | { readonly kind: "key"; readonly key: KeyObject }
  | { readonly kind: "unknown" }
  | { readonly kind: "ambiguous" }
  | { readonly kind: "unsuitable" };

/** Reads a JWK set. Never throws. */
export function parseKeySet(bytes: Uint8Array): ParsedKeySet {
  if (bytes.length > MAX_KEY_SET_BYTES) return { kind: "invalid", reason: "too_large" };
  const jwks = parseStrictObject(bytes)?.["keys"];
  if (!Array.isArray(jwks)) return { kind: "invalid", reason: "not_a_key_set" };
  if (jwks.length > MAX_KEYS) return { kind: "invalid", reason: "too_many_keys" };
  const byText = new Map<string, VerificationKey>();
  let ignored = 0;
  for (const jwk of jwks) {
    const key = isObject(jwk) ? verificationKey(jwk) : undefined;
    if (key === undefined) ignored += 1;
    else byText.set(JSON.stringify([key.kid ?? null, key.algorithms, key.jwk]), key);
  }
  if (byText.size === 0) return { kind: "invalid", reason: "no_usable_key" };
  const fingerprint = createHash("sha256")
    .update([...byText.keys()].sort().join("\n"))
    .digest("hex");
  return { kind: "parsed", keySet: { keys: [...byText.values()], fingerprint, ignored } };
}

/** The set as a JWK set of public members, which `parseKeySet` reads back to the same fingerprint. */
export function writeKeySet({ keys }: KeySet): { readonly keys: readonly object[] } {
  return {
    keys: keys.map(({ kid, algorithms, jwk }) => ({
      ...jwk,
      ...(kid === undefined ? {} : { kid }),
      ...(algorithms.length === 1 ? { alg: algorithms[0] } : {}),
    })),
  };
}

/**
 * The one key that a token with this header can mean. Without a kid in the token that is the only key for the algorithm; with one, the key
 * of that name, and `unsuitable` when it exists but is of another type.
 */
export function chooseKey({ keys }: KeySet, algorithm: Algorithm, kid: string | undefined): KeyChoice {
  const named = kid === undefined ? keys : keys.filter((key) => key.kid === kid);
  if (named.length === 0) return { kind: "unknown" };
  const [first, ...others] = named.filter((key) => key.algorithms.includes(algorithm));
  if (first === undefined) return { kind: "unsuitable" };
  return others.length === 0 ? { kind: "key", key: first.key } : { kind: "ambiguous" };
}

function verificationKey(jwk: JsonObject): VerificationKey | undefined {
  const { kid, alg, use, key_ops: operations } = jwk;
  if (jwk["kty"] !== "RSA" && jwk["kty"] !== "EC" && jwk["kty"] !== "OKP") return undefined;
  if (kid !== undefined && (typeof kid !== "string" || Buffer.byteLength(kid) > MAX_KID_BYTES)) return undefined;
  if (use !== undefined && use !== "sig") return undefined;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) return undefined;
  try {
    const key = createPublicKey({ key: publicMembers(jwk), format: "jwk" });
    const only = typeof alg === "string" ? algorithmNamed(alg) : alg;
    if (alg !== undefined && only === undefined) return undefined;
    const algorithms = algorithmsOf(key).filter((name) => only === undefined || name === only);
    return algorithms.length === 0 ? undefined : { kid, algorithms, key, jwk: key.export({ format: "jwk" }) };
  } catch {
    return undefined;
  }
}

/** NB: a set that leaks private members must not bring them into memory or onto the disk. */
function publicMembers(jwk: JsonObject): JsonWebKey {
  const members: JsonWebKey = {};
  for (const name of ["kty", "crv", "x", "y", "n", "e"] as const) {
    const value = jwk[name];
    if (typeof value === "string") members[name] = value;
  }
  return members;
}
