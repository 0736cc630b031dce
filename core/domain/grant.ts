/**
 * A grant: the result of an approval. `scheduled → active → consumed | expired | revoked`; the last three are final. The database clock rules it
 * (rule 8). `scheduled` counts as active once `notBefore` has passed, so no event is needed for a grant to begin or to expire: both are checked
 * at every use.
 */
import { sameCaller } from "./actor-chain.ts";
import type { MaxUses } from "./elevation.ts";
import { type DomainEvent, type Principal, SWEEPER } from "./events.ts";
import type { Digest, Id } from "./id.ts";
import type { Actor, Person } from "./subject.ts";
import type { Instant } from "./time.ts";

export type GrantState = "scheduled" | "active" | "consumed" | "expired" | "revoked";

export type GrantBinding =
  | { readonly kind: "scope" }
  | { readonly kind: "exact"; readonly digest: Digest; readonly bindHeaders: readonly string[] };

export type Grant = {
  readonly id: Id<"grant">;
  /** Counts every change; the highest version of a grant wins wherever it is read. */
  readonly version: number;
  readonly requestId: Id<"request">;
  readonly denialId: Id<"denial">;
  /** Undefined only when an automatic decision granted it to an account without a person. */
  readonly person: Person | undefined;
  readonly issuer: string;
  readonly subject: string;
  /** Who acts for the account: the grant is for it with this very chain (core/domain/actor-chain.ts). */
  readonly actors: readonly Actor[];
  readonly entitlement: string;
  readonly scope: string;
  readonly binding: GrantBinding;
  readonly state: GrantState;
  readonly uses: number;
  readonly maxUses: MaxUses;
  readonly notBefore: Instant;
  readonly expiresAt: Instant;
};

export type GrantEnd = "spent" | "expired" | "revoked";

export function isFinal(state: GrantState): boolean {
  return state === "consumed" || state === "expired" || state === "revoked";
}

/** Its state at `now`: a beginning and an end by time hold at once, and are written later, if ever. */
function stateAt({ state, notBefore, expiresAt }: Grant, now: Instant): GrantState {
  if (isFinal(state)) return state;
  if (now >= expiresAt) return "expired";
  return now < notBefore ? "scheduled" : "active";
}

/** As people are shown it at `now`. */
export function asOf(grant: Grant, now: Instant): Grant {
  return { ...grant, state: stateAt(grant, now) };
}

const BY_TIME: readonly GrantState[] = ["scheduled", "active", "expired"];

/** As people may have been shown it up to `now`, if nothing but time has changed it since. */
export function asOfUntil(grant: Grant, now: Instant): readonly Grant[] {
  const reached = BY_TIME.indexOf(stateAt(grant, now));
  return reached < 0 ? [grant] : BY_TIME.slice(0, reached + 1).map((state) => ({ ...grant, state }));
}

/** Why a grant cannot be used at `now`, or undefined when it can. */
export function whyNotUsable(grant: Grant, now: Instant): GrantEnd | "not_yet_active" | undefined {
  if (grant.state === "revoked") return "revoked";
  if (grant.state === "consumed") return "spent";
  if (grant.state === "expired" || now >= grant.expiresAt) return "expired";
  if (now < grant.notBefore) return "not_yet_active";
  if (grant.maxUses !== "unlimited" && grant.uses >= grant.maxUses) return "spent";
  return undefined;
}

/** What one redemption states about the call; compared by equality with the grant's own columns. */
export type RedemptionClaim = {
  readonly redemptionId: Id<"decision">;
  readonly grantId: Id<"grant">;
  readonly issuer: string;
  readonly subject: string;
  readonly actors: readonly Actor[];
  readonly entitlement: string;
  readonly scope: string;
  readonly digest: Digest | undefined;
};

export type RedemptionRefusal = GrantEnd | "not_yet_active" | "outside" | "unknown_grant" | "duplicate";

export type Redeemed = { readonly kind: "redeemed"; readonly grant: Grant };
export type RedemptionRefused = { readonly kind: "refused"; readonly reason: RedemptionRefusal };

/**
 * One use of a grant, as a rule on values: uses never exceed `maxUses`, and a claim that differs in any part is
 * `outside`. The statement in services/approval/store/redeem-grant.ts does the same in one UPDATE; a test holds the two
 * against each other. This function does not know of other callers: only the statement makes it safe among many.
 */
export function redeem(grant: Grant, claim: RedemptionClaim, now: Instant): Redeemed | RedemptionRefused {
  const same =
    grant.id === claim.grantId &&
    sameCaller(grant, claim) &&
    grant.entitlement === claim.entitlement &&
    grant.scope === claim.scope &&
    (grant.binding.kind === "scope" || grant.binding.digest === claim.digest);
  if (!same) return { kind: "refused", reason: "outside" };
  const why = whyNotUsable(grant, now);
  if (why !== undefined) return { kind: "refused", reason: why };
  const uses = grant.uses + 1;
  const state = grant.maxUses !== "unlimited" && uses >= grant.maxUses ? "consumed" : "active";
  return { kind: "redeemed", grant: { ...grant, uses, state, version: grant.version + 1 } };
}

type Ended =
  | { readonly kind: "ended"; readonly grant: Grant; readonly event: DomainEvent }
  | { readonly kind: "already_final" };

/** Who ends it, and under which policy it was asked for. */
type Ending = {
  readonly by: Principal;
  readonly policyRevision: string | undefined;
  readonly reason: string | undefined;
};

/** A revoked grant stays revoked; revoking what has ended, by time too, changes nothing. */
export function revoke(grant: Grant, ending: Ending, now: Instant): Ended {
  if (isFinal(stateAt(grant, now))) return { kind: "already_final" };
  const revoked: Grant = { ...grant, state: "revoked", version: grant.version + 1 };
  return { kind: "ended", grant: revoked, event: endedEvent("grant.revoked", grant, ending) };
}

/** Marks what time has already ended, for the record and for the tombstone; nothing depends on it being punctual. */
export function expire(grant: Grant, policyRevision: string | undefined, now: Instant): Ended {
  if (isFinal(grant.state) || now < grant.expiresAt) return { kind: "already_final" };
  const expired: Grant = { ...grant, state: "expired", version: grant.version + 1 };
  const event = endedEvent("grant.expired", grant, { by: SWEEPER, policyRevision, reason: undefined });
  return { kind: "ended", grant: expired, event };
}

/** Also used by the statement that ends grants of which the topic has a newer version than the database. */
export function endedEvent(
  type: "grant.revoked" | "grant.expired",
  { id, denialId, requestId }: Grant,
  { by, policyRevision, reason }: Ending,
): DomainEvent {
  return { type, by, denialId, requestId, grantId: id, policyRevision, data: { reason } };
}
