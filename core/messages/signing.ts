/**
 * Ed25519 keys by key id. Only the writer has the private key, a PKCS#8 PEM file; readers are configured with the public keys of the writers they
 * know. Two keys may be active at once during a rotation.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { AppError } from "../domain/app-error.ts";

const KID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export type Signer = { readonly kid: string; sign(bytes: Uint8Array): Buffer };

export type Verifier = {
  /** False for an unknown key id as for a wrong signature: a reader has to treat both alike. */
  verify(kid: string, bytes: Uint8Array, signature: Uint8Array): boolean;
};

/** @throws AppError invalid_configuration when the key id is malformed or the PEM is not an Ed25519 private key. */
export function createSigner(kid: string, privateKeyPem: string): Signer {
  const key = ed25519(kid, () => createPrivateKey(privateKeyPem));
  return { kid, sign: (bytes) => sign(null, bytes, key) };
}

/** The public key of a private one, as PEM. @throws AppError invalid_configuration */
export function publicPemOf(kid: string, privateKeyPem: string): string {
  const key = createPublicKey(ed25519(kid, () => createPrivateKey(privateKeyPem)));
  return key.export({ type: "spki", format: "pem" }).toString();
}

/** @throws AppError invalid_configuration, also for a private key: whoever only reads must not be able to sign. */
export function createVerifier(publicKeyPems: ReadonlyMap<string, string>): Verifier {
  const keys = new Map([...publicKeyPems].map(([kid, pem]) => [kid, ed25519(kid, () => publicKey(kid, pem))]));
  return {
    verify(kid, bytes, signature) {
      const key = keys.get(kid);
      return key !== undefined && signature.length === 64 && verify(null, bytes, key, signature);
    },
  };
}

/**
 * Of those whose messages this program takes and never signs. @throws AppError invalid_configuration as `createVerifier`, and where a key is its own
 * under whatever id: whoever signs decisions could sign grants, or the other way round.
 */
export function createVerifierOfOthers(publicKeyPems: ReadonlyMap<string, string>, own: Signer): Verifier {
  const verifier = createVerifier(publicKeyPems);
  const bytes = Buffer.from("countersign: whose key is this");
  const signature = own.sign(bytes);
  const kid = [...publicKeyPems.keys()].find((each) => verifier.verify(each, bytes, signature));
  if (kid === undefined) return verifier;
  throw new AppError(
    "invalid_configuration",
    `key ${kid} is the one this service signs with; give each a key of its own`,
  );
}

export type PublicJwk = {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly x: string;
  readonly kid: string;
  readonly use: "sig";
  readonly alg: "EdDSA";
};

/** The public half, of a private or a public key (PEM), as a key set shows it. @throws AppError invalid_configuration */
export function publicJwk(kid: string, pem: string): PublicJwk {
  const { x = "" } = ed25519(kid, () => createPublicKey(pem)).export({ format: "jwk" });
  return { kty: "OKP", crv: "Ed25519", x, kid, use: "sig", alg: "EdDSA" };
}

function publicKey(kid: string, pem: string): KeyObject {
  // NB: node:crypto makes a public key of a private one without a word, and the file would lie where readers are.
  if (isPrivatePem(pem)) {
    throw new AppError("invalid_configuration", `key ${kid} is a private key, which belongs to whoever signs alone`);
  }
  return createPublicKey(pem);
}

/** Whether there is a private key in it, of whatever kind. */
export function isPrivatePem(pem: string): boolean {
  return /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem);
}

function ed25519(kid: string, read: () => KeyObject): KeyObject {
  if (!KID.test(kid))
    throw new AppError("invalid_configuration", `key id ${JSON.stringify(kid)}: use letters, digits, . _ -`);
  let key: KeyObject;
  try {
    key = read();
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError("invalid_configuration", `key ${kid} is not a readable PEM key`, { cause });
  }
  if (key.asymmetricKeyType !== "ed25519") {
    throw new AppError("invalid_configuration", `key ${kid} is ${key.asymmetricKeyType ?? "secret"}, not ed25519`);
  }
  return key;
}
