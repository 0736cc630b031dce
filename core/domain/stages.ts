/**
 * Whose turn it is. A requirement in stages asks its first stage, and each further one when all before it have approved, so that those who decide
 * last see what was approved before; any other requirement asks everybody at once. Stages only add order: distinctness of people is judged over
 * all stages together (requirement.ts).
 *
 * So somebody who fills a slot of the first stage may be needed for a later one. Then the first stage is asked again, for somebody who can
 * replace them, or the request could never be approved. That can take two people, if an alternative of the first stage has two slots.
 */
import type { AccessRequest } from "./access-request.ts";
import {
  fillsOneMore,
  isSatisfied,
  mayFillASlot,
  type Requirement,
  type ReviewerSet,
  reviewerSets,
  type Reviewer,
  setKey,
  slotsLeft,
} from "./requirement.ts";

/** The part that is asked now; `upTo`: that part and the stages before it. */
type Open = { readonly part: Requirement; readonly upTo: Requirement };

/** Given who has approved; undefined when nothing is left to ask. */
function open(requirement: Requirement, approvers: readonly Reviewer[]): Open | undefined {
  const stages = requirement.kind === "stages" ? requirement.of : [requirement];
  for (const [at, part] of stages.entries()) {
    const upTo: Requirement = { kind: "all_of", of: stages.slice(0, at + 1) };
    if (!isSatisfied(upTo, approvers)) return { part, upTo };
  }
  return undefined;
}

/** Whether this person may approve now: they are asked, or they free somebody for a later slot. */
export function isTheirTurn(requirement: Requirement, approvers: readonly Reviewer[], reviewer: Reviewer): boolean {
  const now = open(requirement, approvers);
  if (now === undefined) return mayFillASlot(requirement, reviewer);
  return mayFillASlot(now.part, reviewer) || (isShort(now, approvers) && fillsOneMore(now.upTo, approvers, reviewer));
}

/** Whether somebody who has agreed is needed twice: the open part counts them, and so does one before it. */
function isShort({ part, upTo }: Open, approvers: readonly Reviewer[]): boolean {
  return slotsLeft(upTo, approvers) > slotsLeft(part, approvers);
}

/** The reviewer sets whose turn it is, those of earlier stages after those of the open one; none when the request has ended. */
export function openSets({
  status,
  requirement,
  reviews,
}: Pick<AccessRequest, "status" | "requirement" | "reviews">): readonly ReviewerSet[] {
  if (status !== "pending" || requirement === undefined) return [];
  const approvals = reviews.filter(({ vote }) => vote === "approve");
  const approvers = approvals.map(({ reviewer }) => reviewer);
  const now = open(requirement, approvers);
  if (now === undefined) return [];
  const asked = reviewerSets(now.part);
  if (!isShort(now, approvers)) return asked;
  const keys = new Set(asked.map(setKey));
  const earlier = reviewerSets(now.upTo).filter(
    (set) => !keys.has(setKey(set)) && fillsOneMore(now.upTo, approvers, anyoneOf(set)),
  );
  return [...asked, ...earlier];
}

/** Somebody of this set who has not voted. NB: nobody's id is empty. */
function anyoneOf(set: ReviewerSet): Reviewer {
  return set.kind === "person"
    ? { person: set.person, groups: [] }
    : { person: { realm: set.realm, id: "" }, groups: [set.group] };
}
