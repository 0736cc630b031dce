/**
 * The public keys that may sign a bundle, by key id. The kind of the key determines which algorithms it can verify, never the signature alone.
 * HMAC, which OPA offers too, is not accepted: whoever can verify with a secret can also sign with it.
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import { AppError } from "../../domain/app-error.ts";
import { isPrivatePem } from "../../messages/signing.ts";

export type TrustedKey = { readonly key: KeyObject; readonly algorithms: readonly string[] };

export type TrustedKeys = ReadonlyMap<string, TrustedKey>;

const MIN_RSA_BITS = 2_048;

/** From PEM text by key id. @throws AppError invalid_configuration */
export function createTrustedKeys(pems: ReadonlyMap<string, string>): TrustedKeys {
  return new Map([...pems].map(([id, pem]) => [id, trustedKey(id, pem)]));
}

function trustedKey(id: string, pem: string): TrustedKey {
  if (isPrivatePem(pem)) {
    throw new AppError("invalid_configuration", `key ${id} is a private key, which belongs to whoever signs alone`);
  }
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw new AppError("invalid_configuration", `key ${id} is not a readable PEM key`, { cause });
  }
  const algorithms = algorithmsOf(key);
  if (algorithms === undefined) {
    throw new AppError("invalid_configuration", `key ${id} is neither Ed25519, nor EC, nor RSA of 2048 bits and more`);
  }
  return { key, algorithms };
}

const CURVES: ReadonlyMap<string, string> = new Map([
  ["prime256v1", "ES256"],
  ["secp384r1", "ES384"],
  ["secp521r1", "ES512"],
]);

/** Of JWS; the first one is what a private key of this kind signs with. */
export function algorithmsOf(key: KeyObject): readonly [string, ...string[]] | undefined {
  const { namedCurve = "", modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === "ed25519") return ["EdDSA"];
  if (key.asymmetricKeyType === "rsa" && modulusLength >= MIN_RSA_BITS) {
    return ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
  }
  const algorithm = key.asymmetricKeyType === "ec" ? CURVES.get(namedCurve) : undefined;
  return algorithm === undefined ? undefined : [algorithm];
}
