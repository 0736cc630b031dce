/**
 * From the routing entrypoint's value to who must agree, or to an automatic decision. A fault is neither: the approval
 * service records it as `failed/routing_failed` and goes on with the next record.
 */
import { Compile } from "typebox/compile";
import { AppError } from "../domain/app-error.ts";
import { type Requirement, requirementFault, type ReviewerSet } from "../domain/requirement.ts";
import { schemaFault } from "./decision-result.ts";
import { plainOf } from "./rego-value/plain.ts";
import type { RegoValue } from "./rego-value/value.ts";
import { RouteDecided, RouteToReviewers } from "./schema/result.ts";

export type Route =
  | { readonly kind: "review"; readonly requirement: Requirement }
  | { readonly kind: "decided"; readonly decision: "approve" | "deny"; readonly reason: string }
  | { readonly kind: "fault"; readonly detail: string };

const decided = Compile(RouteDecided);
const toReviewers = Compile(RouteToReviewers);

/** Never throws. A reviewer set without `realm` is of `defaultRealm`. */
export function routeOf(value: RegoValue | undefined, defaultRealm: string): Route {
  if (value === undefined) return { kind: "fault", detail: "the route is undefined" };
  try {
    const result = plainOf(value);
    if (decided.Check(result)) return { kind: "decided", decision: result.decide, reason: result.reason };
    if (!toReviewers.Check(result)) return { kind: "fault", detail: schemaFault(toReviewers.Errors(result)) };
    const requirement = requirementOf(result.requirement, defaultRealm, 1);
    const why = requirementFault(requirement);
    return why === undefined ? { kind: "review", requirement } : { kind: "fault", detail: `requirement: ${why}` };
  } catch (error) {
    return { kind: "fault", detail: error instanceof AppError ? error.detail : "the route is not readable" };
  }
}

const MAX_DEPTH = 16;

function requirementOf(node: unknown, defaultRealm: string, depth: number): Requirement {
  if (depth > MAX_DEPTH) throw invalid("too deep");
  const fields = fieldsOf(node);
  const names = [...fields.keys()].filter((name) => name !== "realm");
  const [kind, ...more] = names;
  if (kind === undefined || more.length > 0)
    throw invalid("a node must have exactly one of group, person, all_of, any_of, n_of");
  const children = (list: unknown): Requirement[] => {
    if (!Array.isArray(list)) throw invalid(`${kind} must be a list`);
    return list.map((child: unknown) => requirementOf(child, defaultRealm, depth + 1));
  };
  if (kind === "group" || kind === "person") {
    const realm = fields.get("realm") ?? defaultRealm;
    return { kind: "one_from", set: reviewerSet(kind, nonEmpty(fields.get(kind)), nonEmpty(realm)) };
  }
  if (fields.has("realm")) throw invalid("realm belongs to a group or a person");
  if (kind === "all_of" || kind === "any_of") return { kind, of: children(fields.get(kind)) };
  if (kind !== "n_of") throw invalid("unknown kind of node");
  const choice = fieldsOf(fields.get("n_of"));
  const n = choice.get("n");
  if (typeof n !== "number" || choice.size !== 2) throw invalid("n_of needs exactly n and of");
  return { kind: "n_of", n, of: children(choice.get("of")) };
}

function reviewerSet(kind: "group" | "person", name: string, realm: string): ReviewerSet {
  return kind === "group" ? { kind, realm, group: name } : { kind, person: { realm, id: name } };
}

function fieldsOf(node: unknown): ReadonlyMap<string, unknown> {
  if (typeof node !== "object" || node === null || Array.isArray(node)) throw invalid("a node must be an object");
  return new Map(Object.entries(node));
}

function nonEmpty(value: unknown): string {
  if (typeof value !== "string" || value === "") throw invalid("a name must be a text that is not empty");
  return value;
}

function invalid(detail: string): AppError {
  return new AppError("policy_fault", `requirement: ${detail}`);
}
