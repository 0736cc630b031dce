/**
 * One person's vote on a request. The order of the checks is the order in which a refusal is named; each refusal changes
 * nothing and is on record all the same. Approvals are counted by core/domain/requirement.ts, never here.
 */
import { about, type AccessRequest, end, isRequester, principalOf, type Review } from "./access-request.ts";
import { approve } from "./approve.ts";
import type { DomainEvent } from "./events.ts";
import type { Grant } from "./grant.ts";
import type { Digest, Id } from "./id.ts";
import { MAX_START_IN, type Narrowing, narrow } from "./narrowing.ts";
import { isSatisfied, mayFillASlot, type Reviewer } from "./requirement.ts";
import { type Party, samePerson } from "./subject.ts";
import { type Instant, plus } from "./time.ts";
import { visibleLength } from "./visible-text.ts";

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
  if (vote.vote === "deny" && visibleLength(vote.comment ?? "") === 0) return refuse("reason_required");
  const narrowed = narrow(request.requested, vote.narrowing ?? {}, request.offer.binding);
  if (narrowed.kind === "refused") return refuse(narrowed.reason);
  // NB: a start in the far future is not less than what was asked, and a request could not have asked for it.
  const start = vote.narrowing?.notBefore;
  if (start !== undefined && start > plus(now, MAX_START_IN)) return refuse("widens");

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
