/**
 * Whose turn it is. A requirement in stages asks its first stage, and the next one when all before it have agreed, so that
 * those who decide last see what was agreed before; any other requirement asks everybody at once. Order is all that stages
 * add: who is distinct from whom is judged over all of them together (requirement.ts).
 */
import type { AccessRequest } from "./access-request.ts";
import { isSatisfied, type Requirement, type ReviewerSet, reviewerSets, type Reviewer } from "./requirement.ts";

/** The part that is asked now, given who has approved; undefined when nothing is left to ask. */
export function openPart(requirement: Requirement, approvers: readonly Reviewer[]): Requirement | undefined {
  if (requirement.kind !== "stages") return isSatisfied(requirement, approvers) ? undefined : requirement;
  return requirement.of.find((_stage, at) => {
    const upToHere: Requirement = { kind: "all_of", of: requirement.of.slice(0, at + 1) };
    return !isSatisfied(upToHere, approvers);
  });
}

/** The reviewer sets whose turn it is; none when the request has ended. */
export function openSets({
  status,
  requirement,
  reviews,
}: Pick<AccessRequest, "status" | "requirement" | "reviews">): readonly ReviewerSet[] {
  if (status !== "pending" || requirement === undefined) return [];
  const approvals = reviews.filter(({ vote }) => vote === "approve");
  const open = openPart(
    requirement,
    approvals.map(({ reviewer }) => reviewer),
  );
  return open === undefined ? [] : reviewerSets(open);
}
