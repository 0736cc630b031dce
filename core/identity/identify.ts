/**
 * Identifies the caller from the credentials of a call. A token comes first, then claims that the enforcer verified, then the certificate
 * identity, if any rule of the configuration knows it; nothing at all is anonymous. A malformed or unverifiable credential is refused with its
 * reason, and nothing else is tried instead. It uses only keys that are already here and never waits for a network; with `identifyInTurn` a token
 * that has to be verified waits for its turn (signature-turns.ts), and a cached one for nothing.
 */
import type { Caller } from "../domain/subject.ts";
import type { Instant } from "../domain/time.ts";
import { type Credential, findBearerToken } from "./bearer.ts";
import { isIdText } from "./claims-to-subject.ts";
import type { Issuers } from "./issuers.ts";
import { createReadPeerCertificate, type PeerCertificate, readDer, type ShownCertificate } from "./peer-certificate.ts";
import { NO_PRINCIPALS, type Principals } from "./principals.ts";
import type { SignatureTurns } from "./signature-turns.ts";
import { createTokenCache, type TokenCache } from "./token-cache.ts";
import { callerFromVerifiedClaims } from "./verified-claims.ts";
import { createVerifyToken, type KeySetReader } from "./verify-token.ts";

export type ShownCredentials = {
  /** All values of the `authorization` header. */
  readonly authorization: readonly string[];
  /** Claims of a token that the enforcer verified, where configuration says that they count; undefined when there are none. */
  readonly verifiedClaims?: unknown;
  /** The identity in the client certificate that the enforcer verified. NB: never from a header. */
  readonly principal?: string | undefined;
  /** That certificate, as URL-encoded PEM, where the enforcer reports it. */
  readonly certificate?: string | undefined;
  /** The one that was verified in a handshake of ours, as DER, where the caller's connection ends here. Asked for where it matters. */
  readonly peerCertificate?: (() => Uint8Array | undefined) | undefined;
};

/** Not looked at, for no fault of its own: too many wait, or its time was over when its turn came. */
type NotIdentified = { readonly kind: "refused"; readonly reason: "overloaded" | "deadline_exceeded" };

/** Of who may have to wait, at the moment when it is asked. `mayWait`: where an edge lets fewer wait than there is room for. */
type InTurn = { readonly now: () => Instant; readonly isLate: () => boolean; readonly mayWait?: () => boolean };

export interface Identify {
  /** Never throws. */
  identify(credentials: ShownCredentials, now: Instant): Caller;
  /** The same, by a promise where its signature has to wait for its turn. */
  identifyInTurn(credentials: ShownCredentials, at: InTurn): Caller | NotIdentified | Promise<Caller | NotIdentified>;
  /** How much is remembered; for metrics. */
  cacheSize: TokenCache["size"];
}

export function createIdentify(
  deps: {
    readonly issuers: Issuers;
    readonly keySets: KeySetReader;
    readonly principals?: Principals;
    readonly turns?: SignatureTurns;
  },
  options: Parameters<typeof createTokenCache>[1] = {},
): Identify {
  const { principals = NO_PRINCIPALS } = deps;
  const { turns } = deps;
  const verify = createVerifyToken(deps);
  const cache = createTokenCache({ verify: turns?.timed(verify) ?? verify, keySets: deps.keySets }, options);
  const readCertificate = createReadPeerCertificate();

  const certificateIn = ({ certificate, peerCertificate }: ShownCredentials): ShownCertificate => {
    if (certificate !== undefined) return readCertificate(certificate);
    const der = peerCertificate?.();
    return der === undefined ? undefined : readDer(der);
  };

  /**
   * A token that is bound to a certificate counts with that certificate alone, and for as long as that does. Not remembered: it may come
   * over another connection.
   */
  const held = (caller: Caller, credentials: ShownCredentials, now: Instant): Caller => {
    if (caller.kind !== "subject" || caller.boundTo === undefined) return caller;
    const { issuer } = caller.subject;
    const shown = certificateIn(credentials);
    if (shown?.kind !== "certificate" || shown.thumbprint !== caller.boundTo)
      return { kind: "refused", reason: "credential_certificate_wrong", issuer };
    const reason = untimely(shown, now);
    if (reason !== undefined) return { kind: "refused", reason, issuer };
    return shown.notAfter < caller.expiresAt ? { ...caller, expiresAt: shown.notAfter } : caller;
  };

  const identified = (credential: Credential, credentials: ShownCredentials, now: Instant): Caller => {
    const { verifiedClaims, principal } = credentials;
    if (credential.kind === "malformed") return { kind: "refused", reason: "credential_malformed" };
    if (credential.kind === "token") return held(cache.verify(credential.token, now), credentials, now);
    if (verifiedClaims !== undefined) {
      return held(callerFromVerifiedClaims(verifiedClaims, deps.issuers, now), credentials, now);
    }
    if (!principals.configured || principal === undefined) return { kind: "anonymous" };
    return certified(principals, principal, certificateIn(credentials), now);
  };

  return {
    identify: (credentials, now) => identified(findBearerToken(credentials.authorization), credentials, now),
    identifyInTurn(credentials, { now, isLate, mayWait }) {
      const credential = findBearerToken(credentials.authorization);
      const shownAt = now();
      if (turns === undefined || credential.kind !== "token") return identified(credential, credentials, shownAt);
      const known = cache.known(credential.token, shownAt);
      if (known !== undefined) return held(known, credentials, shownAt);
      if (mayWait?.() === false) return TOO_MANY;
      return turns.wait(() => (isLate() ? LATE : identified(credential, credentials, now()))) ?? TOO_MANY;
    },
    cacheSize: () => cache.size(),
  };
}

const LATE: NotIdentified = { kind: "refused", reason: "deadline_exceeded" };
const TOO_MANY: NotIdentified = { kind: "refused", reason: "overloaded" };

/** NB: an identity that no rule knows is refused and not anonymous, as is a token of an unknown issuer. */
function certified(principals: Principals, principal: string, certificate: ShownCertificate, now: Instant): Caller {
  const account = principals.find(principal);
  // No rule was asked about what can be no account, such as one that is too long.
  if (account === undefined) {
    return { kind: "refused", reason: isIdText(principal) ? "credential_issuer_unknown" : "credential_claims_invalid" };
  }
  const { subject } = account;
  const { issuer } = subject;
  if (certificate === undefined) return { kind: "subject", subject, expiresAt: Number.MAX_SAFE_INTEGER };
  const isSpiffe = principal.startsWith("spiffe://");
  // NB: X.509-SVID section 2: with a second URI name it is no SPIFFE identity, whichever of them the enforcer took.
  if (certificate.kind === "unreadable" || (isSpiffe && certificate.uriNames !== 1)) {
    return { kind: "refused", reason: "credential_malformed", issuer };
  }
  const reason = untimely(certificate, now);
  if (reason !== undefined) return { kind: "refused", reason, issuer };
  return { kind: "subject", subject, expiresAt: certificate.notAfter };
}

function untimely({ notBefore, notAfter }: Pick<PeerCertificate, "notBefore" | "notAfter">, now: Instant) {
  if (now >= notAfter) return "credential_expired";
  return now < notBefore ? "credential_not_yet_valid" : undefined;
}
