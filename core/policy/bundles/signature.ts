/**
 * `.signatures.json` in OPA's format: exactly one JWT whose payload lists every file with its hash. It verifies the signature, the scope, the
 * times, and that files and list are the same: an unlisted file is as wrong as a listed one that is missing.
 *
 * Beyond OPA: `iat` says when it was signed, and a bundle signed before the active one is a replay (keeper.ts); `exp` says until when it may be
 * activated, and `valid_until` until when it decides once active. OPA's `exclude_files` does not exist here: what is excluded is what an attacker
 * would change.
 */
import { compactVerify, decodeProtectedHeader } from "jose";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { AppError } from "../../domain/app-error.ts";
import { type Instant, instant } from "../../domain/time.ts";
import type { BundleFiles } from "./bundle-files.ts";
import { hashesOf } from "./documents.ts";
import type { Listed } from "./documents-job.ts";
import type { TrustedKey, TrustedKeys } from "./trusted-keys.ts";

export const SIGNATURES_FILE = ".signatures.json";

const SignaturesFile = Type.Object({ signatures: Type.Array(Type.String()), plugin: Type.Optional(Type.String()) });
const signaturesFile = Compile(SignaturesFile);

const Seconds = Type.Number({ minimum: 0, maximum: 253_402_300_799 });
export const SignedClaims = Type.Object({
  files: Type.Array(
    Type.Object({ name: Type.String(), hash: Type.String({ pattern: "^[0-9a-f]+$" }), algorithm: Type.String() }),
    { maxItems: 1_000 },
  ),
  iat: Type.Optional(Seconds),
  exp: Type.Optional(Seconds),
  /** From then on it decides nothing. */
  valid_until: Type.Optional(Seconds),
  scope: Type.Optional(Type.String({ maxLength: 256 })),
  /** The older place of the key id. */
  keyid: Type.Optional(Type.String({ maxLength: 128 })),
  /** Why: shown with an emergency bundle. */
  reason: Type.Optional(Type.String({ maxLength: 1_024 })),
});
export type SignedClaims = Static<typeof SignedClaims>;
const signedClaims = Compile(SignedClaims);

export type Proof = {
  readonly keyId: string;
  /** Undefined when the signature does not say: then nothing can be older or newer than it. */
  readonly issuedAt: Instant | undefined;
  readonly expiresAt: Instant | undefined;
  readonly validUntil: Instant | undefined;
  readonly reason: string | undefined;
};

type Verified =
  | { readonly kind: "verified"; readonly proof: Proof }
  | {
      readonly kind: "refused";
      readonly reason: "unsigned" | "bad_signature" | "wrong_scope";
      readonly detail: string;
    };

/**
 * Says nothing about time: whether it is too old or expired is for the caller, who knows what is active.
 * @throws AppError unavailable when it could not be looked at
 */
export async function verifySignature(
  files: BundleFiles,
  { keys, scope }: { readonly keys: TrustedKeys; readonly scope: string },
): Promise<Verified> {
  const signatures = files.get(SIGNATURES_FILE);
  if (signatures === undefined) {
    return { kind: "refused", reason: "unsigned", detail: `there is no ${SIGNATURES_FILE}` };
  }
  try {
    return await verify(files, tokenIn(signatures), { keys, scope });
  } catch (error) {
    if (error instanceof AppError && error.code === "unavailable") throw error;
    return bad(error instanceof AppError ? error.detail : "the signature cannot be read");
  }
}

async function verify(
  files: BundleFiles,
  token: string,
  { keys, scope }: { readonly keys: TrustedKeys; readonly scope: string },
): Promise<Verified> {
  const signed = await byOneOf(candidates(token, keys), token);
  if (signed === undefined) return bad("it is not signed by a key that is trusted here");
  const { keyId, claims } = signed;
  if ((claims.scope ?? "") !== scope) {
    return { kind: "refused", reason: "wrong_scope", detail: "it is signed for another scope" };
  }
  const difference = await differenceBetween(claims.files, files);
  if (difference !== undefined) return bad(difference);
  const at = (seconds: number | undefined) =>
    seconds === undefined ? undefined : instant(Math.floor(seconds * 1_000));
  const { iat, exp, valid_until, reason } = claims;
  const times = { issuedAt: at(iat), expiresAt: at(exp), validUntil: at(valid_until) };
  return { kind: "verified", proof: { keyId, ...times, reason } };
}

/** The key that the token names, in its header or as the older claim; every key for a token that names none, as `opa sign` makes them. */
function candidates(token: string, keys: TrustedKeys): TrustedKeys {
  const { kid } = decodeProtectedHeader(token);
  const named =
    kid !== undefined && kid !== "" ? kid : claimsIn(Buffer.from(token.split(".")[1] ?? "", "base64url")).keyid;
  if (named === undefined || named === "") return keys;
  const key = keys.get(named);
  return key === undefined ? new Map() : new Map([[named, key]]);
}

async function byOneOf(keys: TrustedKeys, token: string): Promise<{ keyId: string; claims: SignedClaims } | undefined> {
  for (const [keyId, key] of keys) {
    const payload = await payloadSignedBy(key, token);
    if (payload !== undefined) return { keyId, claims: claimsIn(payload) };
  }
  return undefined;
}

async function payloadSignedBy({ key, algorithms }: TrustedKey, token: string): Promise<Uint8Array | undefined> {
  return compactVerify(token, key, { algorithms: [...algorithms] }).then(
    ({ payload }) => payload,
    () => undefined,
  );
}

/** What is wrong with the files, by the list; undefined when nothing is. */
async function differenceBetween(listed: SignedClaims["files"], files: BundleFiles): Promise<string | undefined> {
  const hashes = new Map(listed.map((one) => [one.name.replace(/^\//, ""), one]));
  if (hashes.size !== listed.length) return "the signature lists a file twice";
  const signed: (Listed & { readonly hash: string })[] = [];
  for (const [name, bytes] of files) {
    if (name === SIGNATURES_FILE) continue;
    const entry = hashes.get(name);
    if (entry === undefined) return `${name} is not covered by the signature`;
    signed.push({ ...entry, name, bytes });
    hashes.delete(name);
  }
  const [missing] = hashes.keys();
  if (missing !== undefined) return `${missing} was signed and is missing`;
  const found = await hashesOf(signed);
  for (const [at, { name, hash }] of signed.entries()) {
    if (found[at] === undefined) return `${name} has a hash of a kind that is not accepted`;
    if (found[at] !== hash) return `${name} is not what was signed`;
  }
  return undefined;
}

function tokenIn(bytes: Uint8Array): string {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
  if (!signaturesFile.Check(value)) throw new AppError("invalid_bundle", `${SIGNATURES_FILE} is not understood`);
  const [token, ...more] = value.signatures;
  if (token === undefined || more.length > 0) {
    throw new AppError("invalid_bundle", `${SIGNATURES_FILE} has to hold exactly one signature`);
  }
  return token;
}

function claimsIn(payload: Uint8Array): SignedClaims {
  const value: unknown = JSON.parse(Buffer.from(payload).toString("utf8"));
  if (!signedClaims.Check(value)) throw new AppError("invalid_bundle", "the signature's claims are not understood");
  return value;
}

function bad(detail: string): Verified {
  return { kind: "refused", reason: "bad_signature", detail };
}
