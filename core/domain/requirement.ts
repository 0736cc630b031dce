/**
 * Who must approve: a tree of `all_of / any_of / n_of` over reviewer sets, or several such trees in sequence (`stages`, see stages.ts). It is
 * copied into the request when that is made and never looked up again. It needs as many *distinct persons* as the tree has slots: one person in
 * two groups, or in two stages, fills only one (rule 5). Satisfaction is therefore a matching of people to slots, not a count per set.
 */
import { AppError, unreachable } from "./app-error.ts";
import { type Person, personKey, samePerson } from "./subject.ts";

export type ReviewerSet =
  | { readonly kind: "group"; readonly realm: string; readonly group: string }
  | { readonly kind: "person"; readonly person: Person };

export type Requirement =
  | { readonly kind: "one_from"; readonly set: ReviewerSet }
  | { readonly kind: "all_of"; readonly of: readonly Requirement[] }
  | { readonly kind: "any_of"; readonly of: readonly Requirement[] }
  | { readonly kind: "n_of"; readonly n: number; readonly of: readonly Requirement[] }
  /** Only at the root. All of them in the end; a later one is asked when those before it have agreed. */
  | { readonly kind: "stages"; readonly of: readonly Requirement[] };

/** A person who reviews, with the groups that their token showed when they voted. */
export type Reviewer = { readonly person: Person; readonly groups: readonly string[] };

const MAX_SLOTS = 16;
const MAX_ALTERNATIVES = 512;
const MAX_DEPTH = 8;

type RequirementFault = "empty" | "stages_inside" | "n_out_of_range" | "too_deep" | "too_large";

/**
 * Why a tree cannot be accepted, or undefined. An empty `all_of` would be satisfied by nobody's vote, so emptiness is
 * refused everywhere; the size limits keep matching cheap whatever a policy returns.
 */
export function requirementFault(requirement: Requirement, depth = 1): RequirementFault | undefined {
  if (depth > MAX_DEPTH) return "too_deep";
  if (requirement.kind === "one_from") return undefined;
  if (requirement.kind === "stages" && depth > 1) return "stages_inside";
  if (requirement.of.length === 0) return "empty";
  if (requirement.of.length > MAX_SLOTS) return "too_large";
  if (requirement.kind === "n_of") {
    const { n } = requirement;
    if (!Number.isInteger(n) || n < 1 || n > requirement.of.length) return "n_out_of_range";
  }
  for (const child of requirement.of) {
    const fault = requirementFault(child, depth + 1);
    if (fault !== undefined) return fault;
  }
  if (depth > 1) return undefined;
  let count = 0;
  for (const slots of alternatives(requirement)) {
    count += 1;
    if (count > MAX_ALTERNATIVES || slots.length > MAX_SLOTS) return "too_large";
  }
  return undefined;
}

function inSet(set: ReviewerSet, reviewer: Reviewer): boolean {
  switch (set.kind) {
    case "group":
      return set.realm === reviewer.person.realm && reviewer.groups.includes(set.group);
    case "person":
      return samePerson(set.person, reviewer.person);
    default:
      throw unreachable(set satisfies never);
  }
}

/** All reviewer sets that the tree names, each once, in reading order. */
export function reviewerSets(requirement: Requirement): readonly ReviewerSet[] {
  const byKey = new Map<string, ReviewerSet>();
  const visit = (node: Requirement): void => {
    if (node.kind === "one_from") byKey.set(setKey(node.set), node.set);
    else node.of.forEach(visit);
  };
  visit(requirement);
  return [...byKey.values()];
}

/** `group:realm/name` or `person:realm/id`: how a set is stored, indexed and asked for. */
export function setKey(set: ReviewerSet): string {
  return set.kind === "group" ? `group:${set.realm}/${set.group}` : `person:${personKey(set.person)}`;
}

export function mayFillASlot(requirement: Requirement, reviewer: Reviewer): boolean {
  return reviewerSets(requirement).some((set) => inSet(set, reviewer));
}

/** Whether distinct ones of these people fill all slots of at least one alternative. */
export function isSatisfied(requirement: Requirement, approvers: readonly Reviewer[]): boolean {
  return slotsLeft(requirement, approvers) === 0;
}

/** How many slots distinct ones of these people leave open, in the alternative where they leave fewest. */
export function slotsLeft(requirement: Requirement, approvers: readonly Reviewer[]): number {
  const people = [...new Map(approvers.map((one) => [personKey(one.person), one])).values()];
  let least = Number.POSITIVE_INFINITY;
  let tried = 0;
  for (const slots of alternatives(requirement)) {
    tried += 1;
    if (tried > MAX_ALTERNATIVES || least === 0) break;
    // NB: no slots would be filled by nobody. `requirementFault` refuses such trees; a stored one opens nothing either.
    if (slots.length > 0) least = Math.min(least, slots.length - filledSlots(slots, people));
  }
  return least;
}

/** Whether this person fills one more slot than these do by themselves, in at least one alternative, be it the longest. */
export function fillsOneMore(requirement: Requirement, approvers: readonly Reviewer[], reviewer: Reviewer): boolean {
  let tried = 0;
  for (const slots of alternatives(requirement)) {
    tried += 1;
    if (tried > MAX_ALTERNATIVES) return false;
    if (filledSlots(slots, [...approvers, reviewer]) > filledSlots(slots, approvers)) return true;
  }
  return false;
}

/**
 * The ways in which a tree can be satisfied, each as the list of slots to be filled, one after the other: a tree of a few
 * lines can have more of them than fit into memory, so whoever reads them stops at a limit.
 */
function* alternatives(requirement: Requirement): Generator<readonly ReviewerSet[]> {
  switch (requirement.kind) {
    case "one_from":
      yield [requirement.set];
      return;
    case "any_of":
      for (const child of requirement.of) yield* alternatives(child);
      return;
    case "all_of":
    case "stages":
      yield* product(requirement.of);
      return;
    case "n_of":
      for (const chosen of choose(requirement.of, requirement.n)) yield* product(chosen);
      return;
    default:
      throw new AppError("invalid_record", "a requirement of unknown kind");
  }
}

function* product(parts: readonly Requirement[]): Generator<readonly ReviewerSet[]> {
  const [first, ...rest] = parts;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const slots of alternatives(first)) for (const more of product(rest)) yield [...slots, ...more];
}

function* choose<T>(from: readonly T[], n: number): Generator<readonly T[]> {
  if (n === 0) {
    yield [];
    return;
  }
  for (const [index, first] of from.entries()) {
    for (const rest of choose(from.slice(index + 1), n - 1)) yield [first, ...rest];
  }
}

/** Bipartite matching by augmenting paths (Kuhn): a slot may push an earlier one to another person. */
function filledSlots(slots: readonly ReviewerSet[], people: readonly Reviewer[]): number {
  const slotOfPerson = new Map<number, number>();
  const fill = (slot: number, tried: Set<number>): boolean => {
    const set = slots[slot];
    if (set === undefined) return false;
    for (const [person, reviewer] of people.entries()) {
      if (tried.has(person) || !inSet(set, reviewer)) continue;
      tried.add(person);
      const holder = slotOfPerson.get(person);
      if (holder === undefined || fill(holder, tried)) {
        slotOfPerson.set(person, slot);
        return true;
      }
    }
    return false;
  };
  return slots.filter((_set, slot) => fill(slot, new Set())).length;
}
