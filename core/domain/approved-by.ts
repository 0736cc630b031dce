/**
 * Whose approval counted. Not everybody's who approved: an earlier vote lapses when its reviewer could not give it any more (review.ts), and a
 * grant may be issued without it.
 */
import type { AccessRequest, Review } from "./access-request.ts";
import type { Id } from "./id.ts";
import { isSatisfied } from "./requirement.ts";
import type { Person } from "./subject.ts";

type Voted = Pick<AccessRequest, "status" | "requirement" | "counted"> & {
  readonly reviews: readonly Pick<Review, "id" | "vote" | "reviewer">[];
};

/**
 * In order of their votes: of a request that waits, whoever has approved so far; of one that was approved, whose approval stood when the grant was
 * issued; of any other nobody. Where an earlier version issued the grant, it was not kept who stood: only those are named without whom there would
 * be none.
 */
export function approvedBy({ status, requirement, counted, reviews }: Voted): readonly Person[] {
  const approvals = reviews.filter(({ vote }) => vote === "approve");
  const named = (those: typeof approvals) => those.map(({ reviewer }) => reviewer.person);
  if (status === "pending") return named(approvals);
  if (status !== "approved" || requirement === undefined) return [];
  if (counted !== undefined) return named(approvals.filter(({ id }) => counted.includes(id)));
  const reviewersBut = (left: Id<"review">) =>
    approvals.filter(({ id }) => id !== left).map(({ reviewer }) => reviewer);
  return named(approvals.filter(({ id }) => !isSatisfied(requirement, reviewersBut(id))));
}
