/**
 * Signatures by node:crypto, since built-ins are synchronous. NB: the kind of key decides which algorithms it can serve:
 * `none` verifies nothing, an HMAC takes no public key, and a fault inside the check is a failed check.
 */
import { constants, createHmac, type KeyObject, sign, timingSafeEqual, verify } from "node:crypto";
import { BuiltinError, type Pay } from "../../builtin.ts";
import type { Key, Material } from "./keys.ts";

type Signed = { readonly data: Uint8Array; readonly signature: Uint8Array };

/** The salt is as long as the hash, or (`io.jwt.verify_ps*`) of any length. */
type SaltRule = "hash" | "any";

export function verifies(alg: string, material: Material, signed: Signed, salt: SaltRule = "hash"): boolean {
  try {
    return check(alg, material, signed, salt);
  } catch {
    return false;
  }
}

/** In fuel: of each key after the first, which is in the price. */
const PER_FURTHER_CHECK = 450_000;

export function verifiesByAny(
  alg: string,
  keys: readonly Key[],
  signed: Signed,
  pay: Pay,
  salt: SaltRule = "hash",
): boolean {
  return keys.some(({ material }, at) => {
    if (at > 0) pay(PER_FURTHER_CHECK);
    return verifies(alg, material, signed, salt);
  });
}

function check(alg: string, material: Material, { data, signature }: Signed, salt: SaltRule): boolean {
  const hash = `sha${alg.slice(2)}`;
  if (/^HS(256|384|512)$/.test(alg)) {
    if (material.kind !== "secret") return false;
    const expected = createHmac(hash, material.bytes).update(data).digest();
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  }
  if (material.kind === "secret") return false;
  const { key } = material;
  const type = key.asymmetricKeyType;
  if (/^RS(256|384|512)$/.test(alg)) return type === "rsa" && verify(hash, data, key, signature);
  if (/^PS(256|384|512)$/.test(alg)) {
    const saltLength = salt === "any" ? constants.RSA_PSS_SALTLEN_AUTO : constants.RSA_PSS_SALTLEN_DIGEST;
    return (
      type === "rsa" && verify(hash, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature)
    );
  }
  if (/^ES(256|384|512)$/.test(alg)) {
    return type === "ec" && verify(hash, data, { key, dsaEncoding: "ieee-p1363" }, signature);
  }
  return alg === "EdDSA" && type === "ed25519" && verify(null, data, key, signature);
}

/** @throws BuiltinError when the key cannot serve the algorithm */
export function signatureOf(alg: string, material: Material, data: Uint8Array): Uint8Array {
  const hash = `sha${alg.slice(2)}`;
  if (alg.startsWith("HS")) {
    if (material.kind !== "secret") throw new BuiltinError("the key is not a secret");
    return createHmac(hash, material.bytes).update(data).digest();
  }
  if (material.kind !== "private") throw new BuiltinError("the key is not a private key");
  const { key } = material;
  const wanted = alg === "EdDSA" ? "ed25519" : alg.startsWith("ES") ? "ec" : "rsa";
  if (key.asymmetricKeyType !== wanted) throw new BuiltinError("the key does not fit the algorithm");
  try {
    if (alg === "EdDSA") return sign(null, data, key);
    if (alg.startsWith("ES")) return sign(hash, data, { key, dsaEncoding: "ieee-p1363" });
    return alg.startsWith("PS") ? sign(hash, data, pss(key)) : sign(hash, data, key);
  } catch (error) {
    throw new BuiltinError("the signature cannot be made", { cause: error });
  }
}

function pss(key: KeyObject) {
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}
