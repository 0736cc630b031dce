/**
 * An access request and its one life: `pending → approved | denied | expired | cancelled | failed`, each of the five
 * final. It is immutable but for its reviews and its end (rule 6): requester, call, chosen elevation, terms, requirement
 * and policy revision are copied in when it is made, and the request digest covers them all. State in, state and events
 * out; the caller holds the row lock and the transaction, this file holds the rules.
 */
import { AppError } from "./app-error.ts";
import type { DeniedCall, Offer } from "./denial.ts";
import type { DomainEvent, Principal } from "./events.ts";
import type { Grant, GrantBinding } from "./grant.ts";
import type { Digest, Id } from "./id.ts";
import { intersect, type Narrowing, narrow, type Terms } from "./narrowing.ts";
import { isSatisfied, mayFillASlot, type Requirement, type Reviewer } from "./requirement.ts";
import { type Party, type Person, samePerson } from "./subject.ts";
import { type Instant, instant, plus } from "./time.ts";

export type RequestStatus = "pending" | "approved" | "denied" | "expired" | "cancelled" | "failed";

/** The account that was denied, the person behind it, and everybody who acts in its name. */
export type Requester = {
  readonly person: Person | undefined;
  readonly actorPersons: readonly Person[];
  readonly issuer: string;
  readonly subject: string;
  readonly actors: Party["subject"]["actors"];
};

/** One person's vote. Append-only; unique per (request, person). */
export type Review = {
  readonly id: Id<"review">;
  readonly reviewer: Reviewer;
  readonly vote: "approve" | "deny";
  readonly narrowing: Narrowing | undefined;
  readonly comment: string | undefined;
  readonly at: Instant;
};

export type AccessRequest = {
  readonly id: Id<"request">;
  readonly denialId: Id<"denial">;
  readonly key: Digest;
  readonly requester: Requester;
  readonly call: DeniedCall;
  readonly offer: Offer;
  readonly justification: string;
  readonly requested: Terms;
  /** Undefined when routing decided at once or failed: then nobody has to agree. */
  readonly requirement: Requirement | undefined;
  readonly policyRevision: string;
  readonly digest: Digest;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
  readonly status: RequestStatus;
  readonly statusReason: string | undefined;
  readonly decidedAt: Instant | undefined;
  readonly reviews: readonly Review[];
};

export type Vote = {
  readonly reviewId: Id<"review">;
  readonly grantId: Id<"grant">;
  readonly reviewer: Party;
  readonly vote: "approve" | "deny";
  readonly narrowing: Narrowing | undefined;
  readonly comment: string | undefined;
  /** The request digest of what the reviewer saw. */
  readonly digest: Digest;
};

export type ReviewRefusal =
  | "not_pending"
  | "no_person"
  | "not_human"
  | "is_requester"
  | "not_eligible"
  | "already_reviewed"
  | "digest_mismatch"
  | "reason_required"
  | "widens"
  | "not_bindable"
  | "policy_refused";

export type Reviewed = {
  readonly kind: "reviewed";
  readonly request: AccessRequest;
  readonly review: Review;
  readonly grant: Grant | undefined;
  readonly events: readonly DomainEvent[];
};

/** A refused vote changes nothing, but is on record: the events belong into the outbox all the same. */
export type ReviewRefused = {
  readonly kind: "refused";
  readonly reason: ReviewRefusal;
  readonly events: readonly DomainEvent[];
};

/** Applies one review. Refuses, never throws. One denial is enough to deny; approvals must satisfy the requirement. */
export function review(request: AccessRequest, vote: Vote, now: Instant): Reviewed | ReviewRefused {
  const by = principalOf(vote.reviewer);
  const refuse = (reason: ReviewRefusal): ReviewRefused => ({
    kind: "refused",
    reason,
    events: [{ ...about(request, by), type: "review.refused", data: { vote: vote.vote, reason } }],
  });

  if (request.status !== "pending" || now >= request.expiresAt || request.requirement === undefined) {
    return refuse("not_pending");
  }
  const { person, machine } = vote.reviewer;
  if (person === undefined) return refuse("no_person");
  if (machine) return refuse("not_human");
  if (isRequester(request.requester, vote.reviewer)) return refuse("is_requester");
  const reviewer: Reviewer = { person, groups: vote.reviewer.subject.groups };
  if (!mayFillASlot(request.requirement, reviewer)) return refuse("not_eligible");
  if (request.reviews.some((earlier) => samePerson(earlier.reviewer.person, person))) return refuse("already_reviewed");
  if (vote.digest !== request.digest) return refuse("digest_mismatch");
  if (vote.vote === "deny" && (vote.comment ?? "").trim() === "") return refuse("reason_required");
  const narrowed = narrow(request.requested, vote.narrowing ?? {}, request.offer.binding);
  if (narrowed.kind === "refused") return refuse(narrowed.reason);

  const { comment, narrowing } = vote;
  const recorded: Review = { id: vote.reviewId, reviewer, vote: vote.vote, narrowing, comment, at: now };
  const reviews = [...request.reviews, recorded];
  const events: DomainEvent[] = [
    {
      ...about(request, by),
      type: "review.recorded",
      data: { reviewId: vote.reviewId, vote: vote.vote, narrowing, comment, digest: vote.digest },
    },
  ];
  const open = { ...request, reviews };
  if (vote.vote === "deny") {
    const ended = end(open, "denied", "denied_by_reviewer", by, now);
    return {
      kind: "reviewed",
      request: ended.request,
      review: recorded,
      grant: undefined,
      events: [...events, ...ended.events],
    };
  }
  const approvals = reviews.filter((one) => one.vote === "approve");
  if (
    !isSatisfied(
      request.requirement,
      approvals.map((one) => one.reviewer),
    )
  ) {
    return { kind: "reviewed", request: open, review: recorded, grant: undefined, events };
  }
  const approved = approve(open, vote.grantId, by, now, undefined);
  return {
    kind: "reviewed",
    request: approved.request,
    review: recorded,
    grant: approved.grant,
    events: [...events, ...approved.events],
  };
}

/** The requester, any other account of that person, whoever acts for them, and whoever they act for. */
export function isRequester(requester: Requester, party: Party): boolean {
  if (party.subject.issuer === requester.issuer && party.subject.id === requester.subject) return true;
  const asking = [requester.person, ...requester.actorPersons].filter((one) => one !== undefined);
  const reviewing = [party.person, ...party.actorPersons].filter((one) => one !== undefined);
  return asking.some((one) => reviewing.some((other) => samePerson(one, other)));
}

export type Approved = {
  readonly kind: "approved";
  readonly request: AccessRequest;
  readonly grant: Grant;
  readonly events: readonly DomainEvent[];
};

/** Ends a request with a grant that allows what all approvers agreed to, from now or the agreed later start on. */
export function approve(
  request: AccessRequest,
  grantId: Id<"grant">,
  by: Principal,
  now: Instant,
  reason: string | undefined,
): Approved {
  const approvals = request.reviews.filter((one) => one.vote === "approve");
  const terms = approvals.reduce((sofar, one) => intersect(sofar, withLess(request, one)), request.requested);
  const ended = end(request, "approved", reason, by, now);
  const grant = issue(ended.request, grantId, terms, now);
  const issued: DomainEvent = {
    ...about(request, by),
    type: "grant.issued",
    grantId,
    data: {
      person: grant.person,
      issuer: grant.issuer,
      subject: grant.subject,
      entitlement: grant.entitlement,
      scope: grant.scope,
      digest: grant.binding.kind === "exact" ? grant.binding.digest : undefined,
      maxUses: grant.maxUses,
      duration: terms.duration,
      notBefore: grant.notBefore,
      expiresAt: grant.expiresAt,
      approvedBy: approvals.map((one) => one.reviewer.person),
    },
  };
  return { kind: "approved", request: ended.request, grant, events: [...ended.events, issued] };
}

function withLess(request: AccessRequest, one: Review): Terms {
  const narrowed = narrow(request.requested, one.narrowing ?? {}, request.offer.binding);
  // A recorded review was accepted with this very narrowing; were it ever refused here, it would not widen anything.
  return narrowed.kind === "narrowed" ? narrowed.terms : request.requested;
}

function issue(request: AccessRequest, grantId: Id<"grant">, terms: Terms, now: Instant): Grant {
  const notBefore = instant(Math.max(now, terms.notBefore ?? now));
  const { elevation } = request.offer;
  return {
    id: grantId,
    version: 1,
    requestId: request.id,
    denialId: request.denialId,
    person: request.requester.person,
    issuer: request.requester.issuer,
    subject: request.requester.subject,
    entitlement: elevation.entitlement,
    scope: elevation.scope,
    binding: terms.binding === "exact" ? exactly(request.offer) : { kind: "scope" },
    state: notBefore > now ? "scheduled" : "active",
    uses: 0,
    maxUses: terms.maxUses,
    notBefore,
    expiresAt: plus(notBefore, terms.duration),
  };
}

/** NB: an exact grant without a digest would be a grant on scope; submit and narrow refuse it, this makes sure. */
function exactly({ elevation, binding }: Offer): GrantBinding {
  if (binding.kind === "unbindable") throw new AppError("internal", "an exact grant needs a digest");
  return { kind: "exact", digest: binding.digest, bindHeaders: elevation.bindHeaders };
}

export type Closed = {
  readonly kind: "closed";
  readonly request: AccessRequest;
  readonly events: readonly DomainEvent[];
};
export type CloseRefused = { readonly kind: "refused"; readonly reason: "not_pending" | "not_requester" | "not_yet" };

/** The requester takes it back. Any account of the same person may. */
export function cancel(
  request: AccessRequest,
  party: Party,
  reason: string | undefined,
  now: Instant,
): Closed | CloseRefused {
  if (!isRequester(request.requester, party)) return { kind: "refused", reason: "not_requester" };
  if (request.status !== "pending") return { kind: "refused", reason: "not_pending" };
  return { kind: "closed", ...end(request, "cancelled", reason, principalOf(party), now) };
}

/** Nobody decided in time. */
export function expireRequest(request: AccessRequest, now: Instant): Closed | CloseRefused {
  if (request.status !== "pending") return { kind: "refused", reason: "not_pending" };
  if (now < request.expiresAt) return { kind: "refused", reason: "not_yet" };
  return { kind: "closed", ...end(request, "expired", "nobody_decided", SWEEPER, now) };
}

const SWEEPER: Principal = { kind: "service", name: "sweeper" };

/** The one way out of `pending`. */
export function end(
  request: AccessRequest,
  status: Exclude<RequestStatus, "pending">,
  reason: string | undefined,
  by: Principal,
  now: Instant,
): { readonly request: AccessRequest; readonly events: readonly DomainEvent[] } {
  const reviewers = request.reviews.map((one) => one.reviewer.person);
  return {
    request: { ...request, status, statusReason: reason, decidedAt: now },
    events: [{ ...about(request, by), type: `request.${status}`, data: { reason, reviewers } }],
  };
}

export function principalOf(party: Party): Principal {
  const { issuer, id, actors } = party.subject;
  return { kind: "account", person: party.person, issuer, subject: id, actors };
}

function about(request: AccessRequest, by: Principal) {
  const { id, denialId, policyRevision } = request;
  return { by, denialId, requestId: id, grantId: undefined, policyRevision } as const;
}
