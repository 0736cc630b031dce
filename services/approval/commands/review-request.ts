/**
 * One person's vote on one request. Who the reviewer is and whether the policy lets them vote is settled before the transaction; both can only
 * refuse. Under the row lock the domain's rules decide, so each of several concurrent votes sees the earlier ones: one final state, one grant. A
 * refused vote changes nothing but is recorded.
 *
 * The requester, whoever submitted in their name, and earlier reviewers are checked again as they are now: by the mapping of people and, for
 * reviewers, by the policy. A vote that arrived meanwhile is as recent as this one and stands.
 */
import {
  type AccessRequest,
  type Requester,
  requesterOf,
  type Review,
  type RoutedRequest,
  type Submitter,
} from "../../../core/domain/access-request.ts";
import { plainText } from "../../../core/domain/plain-text.ts";
import { review, whyNotReviewer } from "../../../core/domain/review.ts";
import { setKey } from "../../../core/domain/requirement.ts";
import { openSets } from "../../../core/domain/stages.ts";
import { samePerson, type Subject } from "../../../core/domain/subject.ts";
import type { Ids, People, Permission, Reads, Transactions } from "../ports.ts";
import type { ReviewOutcome, ReviewRequest } from "./ports.ts";

type Deps = {
  readonly reads: Pick<Reads, "request" | "denial">;
  readonly people: People;
  readonly permission: Permission;
  readonly ids: Ids;
  readonly store: Transactions;
};

export function createReviewRequest({ reads, people, permission, ids, store }: Deps) {
  return async (command: ReviewRequest): Promise<ReviewOutcome> => {
    const seen = await reads.request(command.requestId);
    const denial = seen === undefined ? undefined : await reads.denial(seen.denialId);
    if (seen === undefined || denial === undefined) return { kind: "refused", reason: "unknown_request" };
    const reviewer = await people.resolve(command.reviewer);
    const routed = { ...seen, subject: denial.subject };
    const permitted = await permission.mayReview(routed, reviewer);
    const asking = seen.submittedBy === undefined ? [denial.subject] : [denial.subject, accountOf(seen.submittedBy)];
    const askingNow = (await Promise.all(asking.map((one) => people.resolve(one)))).map(requesterOf);
    const lapsed = await lapsedApprovals(seen, askingNow, routed);

    return store.transaction(
      "review",
      async (tx): Promise<ReviewOutcome> => {
        const request = await tx.requests.lock(command.requestId);
        if (request === undefined) return { kind: "refused", reason: "unknown_request" };
        if (command.unchanged?.(request) === false) return { kind: "refused", reason: "precondition_failed" };
        const outcome = review(
          request,
          {
            reviewId: ids.fresh("review"),
            grantId: ids.fresh("grant"),
            reviewer,
            vote: command.vote,
            narrowing: command.narrowing,
            comment: command.comment === undefined ? undefined : plainText(command.comment),
            digest: command.digest,
            askingNow,
            lapsed,
            permitted: permitted.kind === "allowed",
            permittedByRevision: permitted.revision,
          },
          await tx.now(),
        );
        if (outcome.kind === "refused") {
          await tx.outbox.append(outcome.events);
          return { kind: "refused", reason: outcome.reason };
        }
        const { request: after, review: recorded, grant } = outcome;
        await tx.reviews.insert(after.id, recorded);
        await tx.requests.save(after);
        if (grant !== undefined) await tx.grants.insert(grant);
        if (after.status !== "pending") await tx.notifications.append({ kind: "request_ended", request: after, grant });
        else if (isNextStage(request, after))
          await tx.notifications.append({ kind: "review_requested", request: after });
        await tx.outbox.append(outcome.events);
        return { kind: "reviewed", request: after, review: recorded, grant };
      },
      command.settle,
    );
  };

  async function lapsedApprovals(
    request: AccessRequest,
    askingNow: readonly Requester[],
    routed: RoutedRequest,
  ): Promise<ReadonlySet<Review["id"]>> {
    const lapsed = new Set<Review["id"]>();
    for (const { id, account, reviewer, vote } of request.reviews) {
      if (vote === "deny") continue;
      const now = await people.resolve(account);
      const same = now.person !== undefined && samePerson(now.person, reviewer.person);
      const stands = same && whyNotReviewer(request, askingNow, now) === undefined;
      if (!stands || (await permission.mayReview(routed, now)).kind !== "allowed") lapsed.add(id);
    }
    return lapsed;
  }
}

function isNextStage(before: AccessRequest, after: AccessRequest): boolean {
  return openSets(before).map(setKey).join() !== openSets(after).map(setKey).join();
}

/** Where it was not kept (core/domain/access-request.ts), as much of it as was. */
function accountOf({ account, issuer, subject, actors }: Submitter): Subject {
  return account ?? { issuer, id: subject, groups: [], claims: {}, actors };
}
