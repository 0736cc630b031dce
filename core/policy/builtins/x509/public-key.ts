/** Public keys and signature algorithms: the parameters that Go shows, and its numbers for the algorithms. */
import { createPublicKey } from "node:crypto";
import { BuiltinError } from "../../builtin.ts";
import { type RegoValue, regoInteger } from "../../rego-value/value.ts";
import { bitsOf, DerReader, TAG, unsignedOf } from "./der.ts";
import { base64, object } from "./go-json.ts";

export type PublicKeyInfo = {
  /** Go's number: 1 RSA, 2 DSA, 3 ECDSA, 4 Ed25519, 0 unknown. */
  readonly algorithm: number;
  /** Null when the algorithm is unknown. */
  readonly json: RegoValue;
};

const KEY_ALGORITHMS = new Map([
  ["1.2.840.113549.1.1.1", 1],
  ["1.2.840.10040.4.1", 2],
  ["1.2.840.10045.2.1", 3],
  ["1.3.101.112", 4],
]);
const CURVES = new Set(["1.3.132.0.33", "1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"]);

/** @param raw a SubjectPublicKeyInfo */
export function publicKeyOf(raw: Uint8Array): PublicKeyInfo {
  const info = new DerReader(raw).sequence();
  const identifier = info.sequence();
  const algorithm = KEY_ALGORITHMS.get(identifier.oid().join(".")) ?? 0;
  const { bytes } = bitsOf(info.element(TAG.bitString).body);
  switch (algorithm) {
    case 1:
      return { algorithm, json: rsa(bytes) };
    case 2:
      return { algorithm, json: dsa(identifier.sequence(), bytes) };
    case 3:
      if (!CURVES.has(identifier.oid().join("."))) throw new BuiltinError("unsupported elliptic curve");
      return { algorithm, json: ec(raw, bytes) };
    case 4:
      if (bytes.length !== 32) throw new BuiltinError("wrong Ed25519 public key size");
      return { algorithm, json: base64(bytes) };
    default:
      return { algorithm: 0, json: null };
  }
}

function rsa(bytes: Uint8Array): RegoValue {
  const key = new DerReader(bytes).sequence();
  const [modulus, exponent] = [key.integer(), key.integer()];
  if (modulus <= 0n || exponent <= 0n || exponent >= 2n ** 31n) throw new BuiltinError("invalid RSA public key");
  return object({ N: regoInteger(modulus), E: regoInteger(exponent) });
}

function dsa(parameters: DerReader, bytes: Uint8Array): RegoValue {
  const numbers = {
    Y: new DerReader(bytes).integer(),
    P: parameters.integer(),
    Q: parameters.integer(),
    G: parameters.integer(),
  };
  if (Object.values(numbers).some((number) => number <= 0n)) throw new BuiltinError("zero or negative DSA parameter");
  return object(Object.fromEntries(Object.entries(numbers).map(([name, number]) => [name, regoInteger(number)])));
}

function ec(raw: Uint8Array, point: Uint8Array): RegoValue {
  try {
    createPublicKey({ key: Buffer.from(raw), format: "der", type: "spki" });
  } catch (error) {
    throw new BuiltinError("the point is not on the curve", { cause: error });
  }
  if (point[0] !== 4) throw new BuiltinError("the point is compressed");
  const size = (point.length - 1) / 2;
  const coordinates = [point.subarray(1, 1 + size), point.subarray(1 + size)].map((part) =>
    regoInteger(unsignedOf(part)),
  );
  const [x = null, y = null] = coordinates;
  return object({ Curve: object({}), X: x, Y: y });
}

const SIGNATURES = new Map([
  ["1.2.840.113549.1.1.4", 2],
  ["1.2.840.113549.1.1.5", 3],
  ["1.3.14.3.2.29", 3],
  ["1.2.840.113549.1.1.11", 4],
  ["1.2.840.113549.1.1.12", 5],
  ["1.2.840.113549.1.1.13", 6],
  ["1.2.840.10040.4.3", 7],
  ["2.16.840.1.101.3.4.3.2", 8],
  ["1.2.840.10045.4.1", 9],
  ["1.2.840.10045.4.3.2", 10],
  ["1.2.840.10045.4.3.3", 11],
  ["1.2.840.10045.4.3.4", 12],
  ["1.3.101.112", 16],
]);
const PSS = "1.2.840.113549.1.1.10";
const PSS_HASHES = new Map([
  ["2.16.840.1.101.3.4.2.1", 13],
  ["2.16.840.1.101.3.4.2.2", 14],
  ["2.16.840.1.101.3.4.2.3", 15],
]);
/** Go verifies no certificate that is signed with one of these. */
const INSECURE = new Set([0, 2, 3, 7, 8, 9]);

/** @param body of an AlgorithmIdentifier */
export function signatureAlgorithmOf(body: Uint8Array): number {
  const identifier = new DerReader(body);
  const oid = identifier.oid().join(".");
  if (oid !== PSS) return SIGNATURES.get(oid) ?? 0;
  const hash = identifier.optional(TAG.sequence);
  const first = hash === undefined ? undefined : new DerReader(hash.body).optional(0xa0);
  return first === undefined ? 0 : (PSS_HASHES.get(new DerReader(first.body).sequence().oid().join(".")) ?? 0);
}

export function isVerifiable(signatureAlgorithm: number): boolean {
  return !INSECURE.has(signatureAlgorithm);
}
