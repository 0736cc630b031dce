/**
 * From the routing entrypoint's value to who must approve, or to an automatic decision. A fault is neither: the approval service records it as
 * `failed/routing_failed` and goes on with the next record.
 */
import { Compile } from "typebox/compile";
import { AppError } from "../domain/app-error.ts";
import { type Requirement, requirementFault, type ReviewerSet } from "../domain/requirement.ts";
import { type Limits, MAX_REQUEST_LIFETIME, REQUEST_LIFETIME, type Routing } from "../domain/routing.ts";
import { type DurationMs, parseDuration } from "../domain/time.ts";
import { schemaFault } from "./decision-result.ts";
import { plainOf } from "./rego-value/plain.ts";
import type { RegoValue } from "./rego-value/value.ts";
import { type LimitsWire, type ReviewersWire, RouteDecided, RouteToReviewers } from "./schema/result.ts";

const decided = Compile(RouteDecided);
const toReviewers = Compile(RouteToReviewers);

export type RouteNames = {
  /** The realm of reviewer sets that name none. */
  readonly defaultRealm: string;
  /** The one form of a person's id in a realm, as accounts are mapped to it; unless given, as it is written. */
  readonly personId?: ((realm: string, id: string) => string) | undefined;
};

/** Never throws: what is not understood is `failed`. */
export function routeOf(value: RegoValue | undefined, names: RouteNames): Routing {
  if (value === undefined) return { kind: "failed", detail: "the route is undefined" };
  try {
    const result = plainOf(value);
    if (decided.Check(result)) {
      const { decide, reason, limits } = result;
      return { kind: "automatic", decision: decide, reason, limits: limitsOf(limits) };
    }
    if (!toReviewers.Check(result)) return { kind: "failed", detail: schemaFault(toReviewers.Errors(result)) };
    return toPeople(result, names);
  } catch (error) {
    return { kind: "failed", detail: error instanceof AppError ? error.detail : "the route is not readable" };
  }
}

function toPeople({ requirement: tree, ...more }: ReviewersWire, names: RouteNames): Routing {
  const requirement = requirementOf(tree, names, 1);
  const why = requirementFault(requirement);
  if (why !== undefined) return { kind: "failed", detail: `requirement: ${why}` };
  const expiresIn = more.expires_in === undefined ? REQUEST_LIFETIME : lengthOf("expires_in", more.expires_in);
  if (expiresIn > MAX_REQUEST_LIFETIME) return { kind: "failed", detail: "expires_in is more than seven days" };
  const after = more.escalate === undefined ? undefined : lengthOf("escalate.after", more.escalate.after);
  // NB: it would never be told, and the author of the policy would believe that it is.
  if (after !== undefined && after >= expiresIn)
    return { kind: "failed", detail: "escalate.after is not before expires_in" };
  return {
    kind: "people",
    requirement,
    expiresIn,
    limits: limitsOf(more.limits),
    notify: more.notify ?? [],
    escalation: after === undefined ? undefined : { after, notify: more.escalate?.notify ?? [] },
  };
}

function limitsOf(limits: LimitsWire | undefined): Limits | undefined {
  if (limits === undefined) return undefined;
  const { max_uses: maxUses, max_duration: maxDuration } = limits;
  return {
    maxUses,
    maxDuration: maxDuration === undefined ? undefined : lengthOf("limits.max_duration", maxDuration),
  };
}

function lengthOf(name: string, text: string): DurationMs {
  const length = parseDuration(text);
  if (length === undefined) throw new AppError("policy_fault", `${name} is not between 1s and 10000h`);
  return length;
}

const MAX_DEPTH = 16;

function requirementOf(node: unknown, names: RouteNames, depth: number): Requirement {
  if (depth > MAX_DEPTH) throw invalid("too deep");
  const fields = fieldsOf(node);
  const [kind, ...more] = [...fields.keys()].filter((name) => name !== "realm");
  if (kind === undefined || more.length > 0)
    throw invalid("a node must have exactly one of group, person, all_of, any_of, n_of, stages");
  const children = (list: unknown): Requirement[] => {
    if (!Array.isArray(list)) throw invalid(`${kind} must be a list`);
    return list.map((child: unknown) => requirementOf(child, names, depth + 1));
  };
  if (kind === "group" || kind === "person") {
    const realm = nameOf(fields.get("realm") ?? names.defaultRealm);
    return { kind: "one_from", set: reviewerSet(kind, nameOf(fields.get(kind)), realm, names) };
  }
  if (fields.has("realm")) throw invalid("realm belongs to a group or a person");
  if (kind === "all_of" || kind === "any_of" || kind === "stages") return { kind, of: children(fields.get(kind)) };
  if (kind !== "n_of") throw invalid("unknown kind of node");
  const choice = fieldsOf(fields.get("n_of"));
  const n = choice.get("n");
  if (typeof n !== "number" || choice.size !== 2) throw invalid("n_of needs exactly n and of");
  return { kind: "n_of", n, of: children(choice.get("of")) };
}

function reviewerSet(kind: "group" | "person", name: string, realm: string, { personId }: RouteNames): ReviewerSet {
  if (kind === "group") return { kind, realm, group: name };
  // The other form may be longer.
  return { kind, person: { realm, id: nameOf(personId?.(realm, name) ?? name) } };
}

function fieldsOf(node: unknown): ReadonlyMap<string, unknown> {
  if (typeof node !== "object" || node === null || Array.isArray(node)) throw invalid("a node must be an object");
  return new Map(Object.entries(node));
}

/** NB: names are indexed, and no entry of an index is larger than a third of a page (8 KiB); a request with one could not be stored. */
const LONGEST_NAME = 256;

function nameOf(value: unknown): string {
  if (typeof value !== "string" || value === "" || value.length > LONGEST_NAME || value.includes("\0")) {
    throw invalid(`a name must be a text of 1 to ${LONGEST_NAME} characters, without U+0000`);
  }
  return value;
}

function invalid(detail: string): AppError {
  return new AppError("policy_fault", `requirement: ${detail}`);
}
