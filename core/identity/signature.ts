/**
 * Whether a key made this signature (RFC 7518 section 3, RFC 8037 section 3.1). Verified on this thread: handing one signature to another thread
 * costs more than most of them take, and an immediate outcome can be cached before the next call needs it.
 */
import { constants, type KeyObject, verify } from "node:crypto";
import type { Algorithm } from "./algorithms.ts";

type Scheme = {
  readonly keyType: string;
  readonly hash: string | null;
  readonly options?: object;
  /** Of each of the two numbers of an ECDSA signature. */
  readonly numberBytes?: number;
};

const ec = (hash: string, numberBytes: number): Scheme => ({ keyType: "ec", hash, numberBytes });
/** RSASSA-PKCS1-v1_5 is what Node takes by itself. */
const pkcs1 = (hash: string): Scheme => ({ keyType: "rsa", hash });
const pss = (hash: string): Scheme => ({
  keyType: "rsa",
  hash,
  options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
});

const SCHEMES: { readonly [name in Algorithm]: Scheme } = {
  EdDSA: { keyType: "ed25519", hash: null },
  ES256: ec("sha256", 32),
  ES384: ec("sha384", 48),
  ES512: ec("sha512", 66),
  RS256: pkcs1("sha256"),
  RS384: pkcs1("sha384"),
  RS512: pkcs1("sha512"),
  PS256: pss("sha256"),
  PS384: pss("sha384"),
  PS512: pss("sha512"),
};

/**
 * `key` is one that serves the algorithm (algorithmsOf); one of another type is refused, since OpenSSL would take it by its own scheme. False
 * also for a signature of any other shape, and for what the cryptography will not take.
 */
export function isSignatureOf(
  { algorithm, key }: { readonly algorithm: Algorithm; readonly key: KeyObject },
  signed: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { keyType, hash, options, numberBytes } = SCHEMES[algorithm];
  if (key.asymmetricKeyType !== keyType) return false;
  if (numberBytes !== undefined && signature.length !== 2 * numberBytes) return false;
  try {
    // NB: wrapped for its options, a key costs some 15 µs more; most schemes need none.
    const by = options === undefined ? key : { key, ...options };
    return verify(hash, signed, by, numberBytes === undefined ? signature : inDer(signature));
  } catch {
    return false;
  }
}

const [SEQUENCE, INTEGER] = [0x30, 0x02];
/** Of a sequence whose length takes two bytes, as that of ES512 may. */
const MOST_HEAD = 3;

/**
 * The two numbers of an ECDSA signature, which JWS has one behind the other (RFC 7518 section 3.4), in the form that OpenSSL takes (RFC 3279
 * section 2.2.3). Node would do the same (`dsaEncoding`), for 30 µs.
 */
function inDer(signature: Uint8Array): Buffer {
  const half = signature.length / 2;
  const der = Buffer.allocUnsafe(MOST_HEAD + signature.length + 6);
  const between = writeInteger(der, MOST_HEAD, signature.subarray(0, half));
  const end = writeInteger(der, between, signature.subarray(half));
  const length = end - MOST_HEAD;
  der.set(length < 0x80 ? [0, SEQUENCE, length] : [SEQUENCE, 0x81, length]);
  return der.subarray(length < 0x80 ? 1 : 0, end);
}

/** In its shortest form, which a zero more begins where it would be read as below zero. Where it ends. */
function writeInteger(der: Buffer, at: number, number: Uint8Array): number {
  let begin = 0;
  while (begin < number.length - 1 && number[begin] === 0) begin += 1;
  const sign = (number[begin] ?? 0) >= 0x80 ? 1 : 0;
  const length = sign + number.length - begin;
  der[at] = INTEGER;
  der[at + 1] = length;
  der[at + 2] = 0;
  der.set(begin === 0 ? number : number.subarray(begin), at + 2 + sign);
  return at + 2 + length;
}
