/**
 * The signature algorithms that a token may use, and which keys serve each (RFC 7518 section 3.1, RFC 8037, RFC 8725 section 3.1). All are
 * asymmetric: with HS256 whoever can verify could also sign, and `none` is no signature. A key serves an algorithm by its own type and
 * curve, never because a token's header says so.
 */
import type { KeyObject } from "node:crypto";

const ALGORITHMS = ["EdDSA", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const;

export type Algorithm = (typeof ALGORITHMS)[number];

/** EdDSA is by Ed25519 alone here, which RFC 9864 gives a name of its own: the two are one algorithm, whoever says which. */
const BY_NAME: ReadonlyMap<string, Algorithm> = new Map([
  ...ALGORITHMS.map((name) => [name, name] as const),
  ["Ed25519", "EdDSA"],
]);

/** What a token, a key or a configuration means by this name; undefined for none that may be used. */
export function algorithmNamed(name: string): Algorithm | undefined {
  return BY_NAME.get(name);
}

/** Names for fault texts and documentation, in one line. */
export const ALGORITHM_NAMES = [...BY_NAME.keys()].join(", ");

const CURVE_ALGORITHM: ReadonlyMap<string, Algorithm> = new Map([
  ["prime256v1", "ES256"],
  ["secp384r1", "ES384"],
  ["secp521r1", "ES512"],
]);

const RSA_ALGORITHMS: readonly Algorithm[] = ALGORITHMS.filter(
  (name) => name.startsWith("RS") || name.startsWith("PS"),
);
/** Below 2048 bits RSA can be broken (RFC 7518 section 3.3); above 8192, or with a long exponent, one verification costs too much. */
const RSA_BITS = { least: 2048, most: 8192 };
const MAX_RSA_EXPONENT = 2n ** 32n;

/** The algorithms that a public key may verify; empty for a key that is of no use here. */
export function algorithmsOf(key: KeyObject): readonly Algorithm[] {
  const details = key.asymmetricKeyDetails;
  switch (key.asymmetricKeyType) {
    case "ed25519":
      return ["EdDSA"];
    case "ec": {
      const algorithm = CURVE_ALGORITHM.get(details?.namedCurve ?? "");
      return algorithm === undefined ? [] : [algorithm];
    }
    case "rsa": {
      const bits = details?.modulusLength ?? 0;
      const exponent = details?.publicExponent ?? 0n;
      const sound = bits >= RSA_BITS.least && bits <= RSA_BITS.most && exponent >= 3n && exponent < MAX_RSA_EXPONENT;
      return sound ? RSA_ALGORITHMS : [];
    }
    default:
      return [];
  }
}
