/** Signs the files of a bundle as `opa sign` does, so that OPA can verify it too: the list of hashes as a JWT in `.signatures.json`. */
import type { KeyObject } from "node:crypto";
import { CompactSign } from "jose";
import { AppError } from "../../domain/app-error.ts";
import type { BundleFiles } from "./bundle-files.ts";
import { hashFile } from "./file-hash.ts";
import { SIGNATURES_FILE, type SignedClaims } from "./signature.ts";
import { algorithmsOf } from "./trusted-keys.ts";

export type SigningTerms = {
  readonly keyId: string;
  readonly privateKey: KeyObject;
  /** Seconds since 1970: what makes this one newer than those before it. */
  readonly issuedAt: number;
  /** After this it is not activated any more. */
  readonly expiresAt?: number | undefined;
  /** From then on it decides nothing, active or not. */
  readonly validUntil?: number | undefined;
  readonly scope?: string | undefined;
  readonly reason?: string | undefined;
};

const HASH = "SHA-256";

/** The files with their signature; one that was there before is replaced. @throws AppError invalid_configuration for a key that cannot sign */
export async function signFiles(files: BundleFiles, terms: SigningTerms): Promise<BundleFiles> {
  const algorithm = algorithmsOf(terms.privateKey)?.[0];
  if (algorithm === undefined || terms.privateKey.type !== "private") {
    throw new AppError(
      "invalid_configuration",
      "the key has to be a private one: Ed25519, EC, or RSA of 2048 bits and more",
    );
  }
  const unsigned = [...files].filter(([name]) => name !== SIGNATURES_FILE);
  const claims: SignedClaims = {
    files: unsigned.map(([name, bytes]) => ({ name, hash: hashFile(name, bytes, HASH) ?? "", algorithm: HASH })),
    iat: terms.issuedAt,
    ...(terms.expiresAt === undefined ? {} : { exp: terms.expiresAt }),
    ...(terms.validUntil === undefined ? {} : { valid_until: terms.validUntil }),
    ...(terms.scope === undefined ? {} : { scope: terms.scope }),
    ...(terms.reason === undefined ? {} : { reason: terms.reason }),
  };
  const token = await new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: algorithm, kid: terms.keyId })
    .sign(terms.privateKey);
  return new Map([
    ...unsigned,
    [SIGNATURES_FILE, Buffer.from(`${JSON.stringify({ signatures: [token] }, null, 1)}\n`)],
  ]);
}
