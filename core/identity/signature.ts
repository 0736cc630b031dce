/**
 * Whether a key made this signature (RFC 7518 section 3, RFC 8037 section 3.1). Verified in place: handing one signature to another thread
 * costs more than most of them take, and an outcome that is there at once can be remembered before the next call asks for it.
 */
import { constants, type KeyObject, verify } from "node:crypto";
import type { Algorithm } from "./algorithms.ts";

type Scheme = { readonly keyType: string; readonly hash: string | null; readonly options?: object };

const ec = (hash: string): Scheme => ({ keyType: "ec", hash, options: { dsaEncoding: "ieee-p1363" } });
/** RSASSA-PKCS1-v1_5 is what Node takes by itself. */
const pkcs1 = (hash: string): Scheme => ({ keyType: "rsa", hash });
const pss = (hash: string): Scheme => ({
  keyType: "rsa",
  hash,
  options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
});

const SCHEMES: { readonly [name in Algorithm]: Scheme } = {
  EdDSA: { keyType: "ed25519", hash: null },
  ES256: ec("sha256"),
  ES384: ec("sha384"),
  ES512: ec("sha512"),
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
  const { keyType, hash, options } = SCHEMES[algorithm];
  if (key.asymmetricKeyType !== keyType) return false;
  try {
    // NB: wrapped for its options, a key costs some 20 µs more; most schemes need none.
    return verify(hash, signed, options === undefined ? key : { key, ...options }, signature);
  } catch {
    return false;
  }
}
