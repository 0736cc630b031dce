/**
 * From verified claims to a caller: our rules, beside those of the standard (registered-claims.ts). Tokens verified by this process and claims
 * verified by the enforcer both end here.
 */
import type { Caller, CredentialRefusal, Json } from "../domain/subject.ts";
import { subjectFromClaims } from "./claims-to-subject.ts";
import type { Issuer } from "./issuers.ts";
import { isObject, type JsonObject } from "./strict-json.ts";

/**
 * Members of ID tokens (OpenID Connect Core section 3.3.2.11) that access tokens have no use for: what a browser was given to learn who signed
 * in opens no API, though issuer, audience and key may be the same.
 */
const ID_TOKEN_CLAIMS = ["nonce", "at_hash", "c_hash", "s_hash"];
/** base64url of a SHA-256. */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

type Accepted =
  | Extract<Caller, { readonly kind: "subject" }>
  | { readonly kind: "refused"; readonly reason: CredentialRefusal };

/** NB: an ID token may have none of those members. Where the issuer marks access tokens, only its `typ` tells them apart for certain. */
export function acceptClaims(claims: JsonObject, issuer: Issuer): Accepted {
  const boundTo = boundCertificate(claims["cnf"]);
  // NB: a token bound to another kind of key (RFC 7800: DPoP) proves nothing without it, and we cannot ask for it.
  if (boundTo === null) return { kind: "refused", reason: "credential_type_wrong" };
  if (!issuer.idTokens && ID_TOKEN_CLAIMS.some((name) => name in claims)) {
    return { kind: "refused", reason: "credential_type_wrong" };
  }
  const subject = subjectFromClaims(claims, issuer);
  const expiresAt = expiry(claims, issuer);
  if (subject === undefined || expiresAt === undefined) return { kind: "refused", reason: "credential_claims_invalid" };
  return { kind: "subject", subject, expiresAt, ...(boundTo === undefined ? {} : { boundTo }) };
}

/**
 * RFC 8705 section 3.1: the thumbprint of the certificate that has to be shown with the token; undefined for a plain bearer token, null for
 * one that is bound in another way.
 */
function boundCertificate(cnf: Json | undefined): string | undefined | null {
  if (cnf === undefined) return undefined;
  if (!isObject(cnf)) return null;
  const [name, ...more] = Object.keys(cnf);
  const thumbprint = cnf["x5t#S256"];
  const isOurs =
    name === "x5t#S256" && more.length === 0 && typeof thumbprint === "string" && THUMBPRINT.test(thumbprint);
  return isOurs ? thumbprint : null;
}

/** The earlier of `exp` and `iat` + the longest age, in epoch milliseconds. */
function expiry({ exp, iat }: JsonObject, { maxTokenAgeMs }: Issuer): number | undefined {
  if (typeof exp !== "number" || typeof iat !== "number") return undefined;
  const at = Math.floor(Math.min(exp * 1_000, iat * 1_000 + maxTokenAgeMs));
  return Number.isSafeInteger(at) && at >= 0 ? at : undefined;
}
