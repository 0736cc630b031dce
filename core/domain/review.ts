/**
 * One person's vote on a request. The checks are ordered by which refusal is named first; a refusal changes nothing but is recorded. Approvals
 * are counted by core/domain/requirement.ts, never here.
 *
 * The vote that completes a requirement issues the grant, possibly days after the first vote. So earlier reviewers are checked again as they are
 * now: if too few of them could still vote, the request ends as `failed/superseded` and nothing is granted.
 */
import {
  about,
  type AccessRequest,
  type Asking,
  end,
  hasAsked,
  isRequester,
  principalOf,
  type Requester,
  type Review,
} from "./access-request.ts";
import { agreedBy, approve } from "./approve.ts";
import type { DomainEvent } from "./events.ts";
import type { Grant } from "./grant.ts";
import type { Digest, Id } from "./id.ts";
import { MAX_START_IN, type Narrowing, narrow } from "./narrowing.ts";
import { isSatisfied, mayFillASlot, type Reviewer } from "./requirement.ts";
import { isTheirTurn } from "./stages.ts";
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
  /** The requester and whoever submitted it, as the mapping of people has them now: who were nobody, or somebody else, when it was submitted. */
  readonly askingNow: readonly Requester[];
  /** Earlier approvals whose reviewer could not give them any more (`whyNotReviewer` of who they are now, or the policy). */
  readonly lapsed: ReadonlySet<Id<"review">>;
  /** What the policy says of this reviewer (`may_review`): it can only refuse, and is named after every refusal of the domain's own. */
  readonly permitted: boolean;
  /** The revision of the policy that said so. */
  readonly permittedByRevision: string | undefined;
};

/** Why nobody who is this party may vote on the request, whatever the vote. */
type NotReviewer = "no_person" | "not_human" | "is_requester" | "not_eligible";

export type ReviewRefusal =
  | "not_pending"
  | NotReviewer
  | "stage_not_open"
  | "already_reviewed"
  | "digest_mismatch"
  | "reason_required"
  | "widens"
  | "not_bindable"
  | "no_common_time"
  | "policy_refused";

export type Reviewed = {
  readonly kind: "reviewed";
  readonly request: AccessRequest;
  readonly review: Review;
  readonly grant: Grant | undefined;
  readonly events: readonly DomainEvent[];
};

/** A refused vote changes nothing but is recorded: its events still belong in the outbox. */
type ReviewRefused = {
  readonly kind: "refused";
  readonly reason: ReviewRefusal;
  readonly events: readonly DomainEvent[];
};

export function whyNotReviewer(
  request: Asking & Pick<AccessRequest, "requirement">,
  askingNow: readonly Requester[],
  party: Party,
): NotReviewer | undefined {
  const { person, machine } = party;
  if (person === undefined) return "no_person";
  if (machine) return "not_human";
  if (hasAsked(request, party) || askingNow.some((one) => isRequester(one, party))) return "is_requester";
  const { requirement } = request;
  const asked = requirement !== undefined && mayFillASlot(requirement, { person, groups: party.subject.groups });
  return asked ? undefined : "not_eligible";
}

/** Applies one review. Refuses, never throws. One denial is enough to deny; approvals must satisfy the requirement. */
export function review(request: AccessRequest, vote: Vote, now: Instant): Reviewed | ReviewRefused {
  const by = principalOf(vote.reviewer);
  const refuse = (reason: ReviewRefusal): ReviewRefused => ({
    kind: "refused",
    reason,
    events: [{ ...about(request, by), type: "review.refused", data: { vote: vote.vote, reason } }],
  });

  const { requirement } = request;
  if (request.status !== "pending" || now >= request.expiresAt || requirement === undefined)
    return refuse("not_pending");
  const whyNot = whyNotReviewer(request, vote.askingNow, vote.reviewer);
  if (whyNot !== undefined) return refuse(whyNot);
  const { person } = vote.reviewer;
  if (person === undefined) return refuse("no_person");
  const reviewer: Reviewer = { person, groups: vote.reviewer.subject.groups };
  if (request.reviews.some((earlier) => samePerson(earlier.reviewer.person, person))) return refuse("already_reviewed");
  // NB: only approvals have an order. A reviewer of any stage may deny at once.
  if (vote.vote === "approve" && !isTheirTurn(requirement, approvers(request.reviews), reviewer))
    return refuse("stage_not_open");
  if (vote.digest !== request.digest) return refuse("digest_mismatch");
  if (vote.vote === "deny" && visibleLength(vote.comment ?? "") === 0) return refuse("reason_required");
  const narrowed = narrow(request.requested, vote.narrowing ?? {}, request.offer.binding);
  if (narrowed.kind === "refused") return refuse(narrowed.reason);
  // NB: a start in the far future is not less than what was asked, and a request could not have asked for it.
  const start = vote.narrowing?.notBefore;
  if (start !== undefined && start > plus(now, MAX_START_IN)) return refuse("widens");

  const { comment, narrowing } = vote;
  const account = vote.reviewer.subject;
  const recorded: Review = { id: vote.reviewId, reviewer, account, vote: vote.vote, narrowing, comment, at: now };
  const reviews = [...request.reviews, recorded];
  const events: DomainEvent[] = [
    {
      ...about(request, by),
      type: "review.recorded",
      data: {
        ...{ reviewId: vote.reviewId, vote: vote.vote, permittedByRevision: vote.permittedByRevision },
        ...{ narrowing, comment, digest: vote.digest },
      },
    },
  ];
  const voted = { ...request, reviews };
  const because = (after: AccessRequest, more: readonly DomainEvent[], grant?: Grant): Reviewed => ({
    kind: "reviewed",
    request: after,
    review: recorded,
    grant,
    events: [...events, ...more],
  });
  // Also before the last vote: two who left no moment in common would keep everybody after them from approving.
  if (vote.vote === "approve" && agreedBy(voted, now) === undefined) return refuse("no_common_time");
  if (!vote.permitted) return refuse("policy_refused");
  if (vote.vote === "deny") {
    const ended = end(voted, "denied", "denied_by_reviewer", by, now);
    return because(ended.request, ended.events);
  }
  if (!isSatisfied(requirement, approvers(reviews))) return because(voted, []);
  const standing = reviews.filter((one) => !vote.lapsed.has(one.id));
  if (!isSatisfied(requirement, approvers(standing))) {
    const ended = end(voted, "failed", "superseded", by, now);
    return because(ended.request, ended.events);
  }
  const approved = approve(voted, vote.grantId, by, now, undefined, standing);
  return because(approved.request, approved.events, approved.grant);
}

function approvers(reviews: readonly Review[]): readonly Reviewer[] {
  return reviews.filter(({ vote }) => vote === "approve").map(({ reviewer }) => reviewer);
}
