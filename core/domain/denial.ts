/**
 * A requestable denial: what the decision service publishes so that somebody may request the approval. It is not a request: nobody is notified of
 * it, and it lapses after 15 minutes unless it is submitted. It carries what a reviewer has to see and what the approval service needs to
 * recompute every digest, and no secret: of the bound fields, only those in `PLAIN_FIELDS` are included in plain. Why it is not a request:
 * docs/adr/0001-denial-is-not-a-request.md.
 */
import type { BindingRefusal } from "./binding.ts";
import { compareText, type Elevation } from "./elevation.ts";
import type { Digest, Id } from "./id.ts";
import type { Actor, Subject } from "./subject.ts";
import { type DurationMs, durationMs, type Instant } from "./time.ts";

/** How long an unsubmitted denial can be submitted. */
export const DENIAL_LIFETIME: DurationMs = durationMs(15 * 60_000);
/** The same denial key within this time gives the same denial id, so that a retrying client does not mint a new one. */
export const DENIAL_REUSE: DurationMs = durationMs(5 * 60_000);
/** A larger denial is answered deny `not_requestable`: recording half of it would be worse than none. */
export const MAX_DENIAL_BYTES = 64 * 1024;

export type OfferBinding =
  | { readonly kind: "digest"; readonly digest: Digest }
  | { readonly kind: "unbindable"; readonly reason: BindingRefusal };

/** One alternative of a denial: the elevation as the policy offered it and what this call would bind to. */
export type Offer = { readonly elevation: Elevation; readonly binding: OfferBinding };

export type Denial = {
  readonly id: Id<"denial">;
  readonly key: Digest;
  readonly decisionId: Id<"decision">;
  readonly mintedAt: Instant;
  readonly expiresAt: Instant;
  readonly subject: Subject;
  readonly call: DeniedCall;
  readonly offers: readonly [Offer, ...Offer[]];
  readonly policyRevision: string;
  /** From the `countersign-reason` header: then intake submits it at once. */
  readonly justification: string | undefined;
  readonly traceparent: string | undefined;
};

/** The denied call: plain fields, hashes of all bound fields by name, and masked text for people. */
export type DeniedCall = {
  readonly protocol: "http" | "tcp" | "api";
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  /** Parameter names with masked values, such as `amount=***`; empty without a query. */
  readonly maskedQuery: string;
  readonly bodyBytes: number | undefined;
  readonly fieldHashes: { readonly [name: string]: Digest };
  readonly sourceAddress: string | undefined;
};

/** What the denial key is the hash of; the order of elevations does not matter. */
export type DenialKeyParts = {
  readonly issuer: string;
  readonly subject: string;
  readonly policyRevision: string;
  readonly offers: readonly Offer[];
  readonly justification: string | undefined;
};

/** The same order for the same set of offers, whatever order the policy engine gave them in. */
export function inCanonicalOrder<O extends { readonly elevation: Elevation }>(offers: readonly O[]): readonly O[] {
  return [...offers].sort(
    (a, b) =>
      compareText(a.elevation.entitlement, b.elevation.entitlement) ||
      compareText(a.elevation.scope, b.elevation.scope) ||
      compareText(a.elevation.title, b.elevation.title),
  );
}

/** What the request key is the hash of: two submits with the same key are one open request. */
export type RequestKeyParts = {
  readonly issuer: string;
  readonly subject: string;
  readonly actors: readonly Actor[];
  readonly entitlement: string;
  readonly scope: string;
  readonly digest: Digest | undefined;
};
