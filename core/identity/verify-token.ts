/**
 * Whether a token says the truth about who is calling: parse → issuer → algorithm → key → signature and claims (RFC 7519, 8725, 9068). The
 * keys are those already here; one that is unknown asks for a refresh in the background and is refused meanwhile. Every refusal has its
 * reason of the closed list. What a token claims is only looked at after its signature, except `iss`, which chooses the keys.
 */
import { errors, jwtVerify } from "jose";
import type { Caller, CredentialRefusal } from "../domain/subject.ts";
import type { Instant } from "../domain/time.ts";
import { isAlgorithm } from "./algorithms.ts";
import { subjectFromClaims } from "./claims-to-subject.ts";
import { type CompactJwt, parseCompactJwt } from "./compact-jwt.ts";
import type { Issuer, Issuers } from "./issuers.ts";
import { chooseKey, type KeySet } from "./key-set.ts";
import type { JsonObject } from "./strict-json.ts";

/** What verification needs of the key sets: a look at what is here, and a hint that something is missing. */
export interface KeySetReader {
  current(issuer: string, now: Instant): KeySet | undefined;
  requestRefresh(issuer: string): void;
}

export type Verification = {
  readonly caller: Caller;
  /** The keys that were asked, when the outcome depends on them: it holds only as long as they do. */
  readonly keys: { readonly issuer: string; readonly keySet: KeySet } | undefined;
  /** First moment, in epoch milliseconds, at which the outcome may differ; 0 when it should not be remembered. */
  readonly validUntil: number;
};

export type VerifyToken = (token: string, now: Instant) => Promise<Verification>;

/** Members that only ID tokens have (OpenID Connect Core section 3.3.2.11): no access token, whatever its `typ`. */
const ID_TOKEN_CLAIMS = ["at_hash", "c_hash", "s_hash"];

export function createVerifyToken(deps: { readonly issuers: Issuers; readonly keySets: KeySetReader }): VerifyToken {
  /** Never rejects. Does not check revocation of single tokens: a token counts until it expires or its key is gone. */
  return async (token, now) => {
    const jwt = parseCompactJwt(token);
    if (jwt === undefined) return refused("credential_malformed");
    const issuer = typeof jwt.claims["iss"] === "string" ? deps.issuers.get(jwt.claims["iss"]) : undefined;
    if (issuer === undefined) return refused("credential_issuer_unknown");
    const { algorithm, kid } = jwt;
    if (!isAlgorithm(algorithm) || !issuer.algorithms.has(algorithm)) {
      return refused("credential_algorithm_refused", issuer);
    }
    const keySet = deps.keySets.current(issuer.issuer, now);
    if (keySet === undefined) return { ...refused("keys_unavailable", issuer), validUntil: 0 };
    const choice = chooseKey(keySet, algorithm, kid);
    if (choice.kind === "unsuitable") return refused("credential_algorithm_refused", issuer, keySet);
    if (choice.kind !== "key") {
      if (choice.kind === "unknown") deps.keySets.requestRefresh(issuer.issuer);
      return refused("credential_key_unknown", issuer, keySet);
    }
    try {
      await jwtVerify(token, choice.key, {
        algorithms: [algorithm],
        issuer: issuer.issuer,
        audience: [...issuer.audience],
        ...(issuer.typ === undefined ? {} : { typ: issuer.typ }),
        requiredClaims: ["exp", "sub"],
        maxTokenAge: issuer.maxTokenAgeMs / 1_000,
        clockTolerance: issuer.clockToleranceMs / 1_000,
        currentDate: new Date(now),
      });
    } catch (error) {
      const reason = refusalOf(error);
      const verdict = refused(reason, issuer, keySet);
      return reason === "credential_not_yet_valid" ? { ...verdict, validUntil: 0 } : verdict;
    }
    return accepted(jwt, issuer, keySet);
  };
}

/** The signature and the registered claims hold; what is left are the rules that are ours. */
function accepted(jwt: CompactJwt, issuer: Issuer, keySet: KeySet): Verification {
  const { claims } = jwt;
  // NB: a token bound to a key (RFC 7800: DPoP, mTLS) proves nothing without that key, and as a plain bearer token we cannot ask for it.
  if (claims["cnf"] !== undefined) return refused("credential_type_wrong", issuer, keySet);
  if (issuer.typ !== undefined && ID_TOKEN_CLAIMS.some((name) => name in claims)) {
    return refused("credential_type_wrong", issuer, keySet);
  }
  const subject = subjectFromClaims(claims, issuer);
  const expiresAt = expiry(claims, issuer);
  if (subject === undefined || expiresAt === undefined) return refused("credential_claims_invalid", issuer, keySet);
  return {
    caller: { kind: "subject", subject, expiresAt },
    keys: { issuer: issuer.issuer, keySet },
    validUntil: expiresAt + issuer.clockToleranceMs,
  };
}

/** The earlier of `exp` and `iat` + the longest age, in epoch milliseconds. */
function expiry({ exp, iat }: JsonObject, { maxTokenAgeMs }: Issuer): number | undefined {
  if (typeof exp !== "number" || typeof iat !== "number") return undefined;
  const at = Math.floor(Math.min(exp * 1_000, iat * 1_000 + maxTokenAgeMs));
  return Number.isSafeInteger(at) && at >= 0 ? at : undefined;
}

function refused(reason: CredentialRefusal, issuer?: Issuer, keySet?: KeySet): Verification {
  return {
    caller: { kind: "refused", reason, ...(issuer === undefined ? {} : { issuer: issuer.issuer }) },
    keys: issuer === undefined || keySet === undefined ? undefined : { issuer: issuer.issuer, keySet },
    validUntil: Number.POSITIVE_INFINITY,
  };
}

function refusalOf(error: unknown): CredentialRefusal {
  if (error instanceof errors.JWTExpired) return "credential_expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === "aud") return "credential_audience_wrong";
    if (error.claim === "typ") return "credential_type_wrong";
    const early = error.reason === "check_failed" && (error.claim === "nbf" || error.claim === "iat");
    return early ? "credential_not_yet_valid" : "credential_claims_invalid";
  }
  if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid) return "credential_malformed";
  if (error instanceof errors.JOSEAlgNotAllowed) return "credential_algorithm_refused";
  // Also what no list names, such as a key that the cryptography will not take: not verified is not believed.
  return "credential_signature_invalid";
}
