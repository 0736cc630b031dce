/**
 * Verifies a token: parse → issuer → algorithm → key → signature and claims (RFC 7519, 8725, 9068). It uses the keys already here; an unknown key
 * triggers a background refresh and is refused meanwhile. Every refusal has a reason of the closed list. Claims are used only after the
 * signature, except `iss`, which selects the keys.
 */
import type { Caller, CredentialRefusal } from "../domain/subject.ts";
import type { Instant } from "../domain/time.ts";
import { acceptClaims } from "./accept-claims.ts";
import { algorithmNamed } from "./algorithms.ts";
import { type CompactJwt, createReadHeader, parseCompactJwt } from "./compact-jwt.ts";
import type { Issuer, Issuers } from "./issuers.ts";
import { chooseKey, type KeySet } from "./key-set.ts";
import { refusalByClaims } from "./registered-claims.ts";
import { isSignatureOf } from "./signature.ts";

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

export type VerifyToken = (token: string, now: Instant) => Verification;

export function createVerifyToken(deps: { readonly issuers: Issuers; readonly keySets: KeySetReader }): VerifyToken {
  const headerOf = createReadHeader();
  /** Never throws. Does not check revocation of single tokens (one counts until it expires or its key is gone), nor the certificate that one is bound to. */
  return (token, now) => {
    const jwt = parseCompactJwt(token, headerOf);
    if (jwt === undefined) return refused("credential_malformed");
    const issuer = typeof jwt.claims["iss"] === "string" ? deps.issuers.get(jwt.claims["iss"]) : undefined;
    if (issuer === undefined) return refused("credential_issuer_unknown");
    const { kid } = jwt;
    const algorithm = algorithmNamed(jwt.algorithm);
    if (algorithm === undefined || !issuer.algorithms.has(algorithm)) {
      return refused("credential_algorithm_refused", issuer);
    }
    const keySet = deps.keySets.current(issuer.issuer, now);
    if (keySet === undefined) {
      // After a machine has slept they are too old at once, and the next look is minutes away.
      deps.keySets.requestRefresh(issuer.issuer);
      return { ...refused("keys_unavailable", issuer), validUntil: 0 };
    }
    const choice = chooseKey(keySet, algorithm, kid);
    if (choice.kind === "unsuitable") return refused("credential_algorithm_refused", issuer, keySet);
    if (choice.kind !== "key") {
      if (choice.kind === "unknown") deps.keySets.requestRefresh(issuer.issuer);
      return refused("credential_key_unknown", issuer, keySet);
    }
    if (!isSignatureOf({ algorithm, key: choice.key }, jwt.signed, jwt.signature)) {
      return refused("credential_signature_invalid", issuer, keySet);
    }
    const reason = refusalByClaims(jwt.claims, issuer, now, { typ: jwt.type });
    if (reason === undefined) return accepted(jwt, issuer, keySet);
    const verdict = refused(reason, issuer, keySet);
    return reason === "credential_not_yet_valid" ? { ...verdict, validUntil: 0 } : verdict;
  };
}

/** The signature and the registered claims hold; what is left are the rules that are ours. */
function accepted(jwt: CompactJwt, issuer: Issuer, keySet: KeySet): Verification {
  const caller = acceptClaims(jwt.claims, issuer);
  if (caller.kind === "refused") return refused(caller.reason, issuer, keySet);
  return {
    caller,
    keys: { issuer: issuer.issuer, keySet },
    validUntil: caller.expiresAt + issuer.clockToleranceMs,
  };
}

function refused(reason: CredentialRefusal, issuer?: Issuer, keySet?: KeySet): Verification {
  return {
    caller: { kind: "refused", reason, ...(issuer === undefined ? {} : { issuer: issuer.issuer }) },
    keys: issuer === undefined || keySet === undefined ? undefined : { issuer: issuer.issuer, keySet },
    validUntil: Number.POSITIVE_INFINITY,
  };
}
