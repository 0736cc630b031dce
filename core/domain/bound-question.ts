/**
 * Which parts of a question a denial is tied to: subject, resource and action in full, and the context except for members that cannot stay the
 * same between denial and submission. This file selects; core/messages/question-binding.ts hashes. Access Request profile (draft 1), "Structural
 * Comparison" and "Denial Binding Claims".
 *
 * NB: `subject.properties.act` is left out, as the profile requires: the credential shows who acts, and an enforcer may state it differently when
 * it submits.
 */
import type { Action, Entity, Question, Stated } from "./question.ts";
import type { Json } from "./subject.ts";

/** Members of the profile itself. */
const MACHINERY = [
  "access_request",
  "approval",
  "evaluation_id",
  "evaluated_at",
  "reason",
  "next_action",
  "retry_after",
];
/** Members that differ in each request. */
const VOLATILE = ["time", "timestamp", "nonce", "request_id", "trace_id", "traceparent"];
const UNBOUND: ReadonlySet<string> = new Set([...MACHINERY, ...VOLATILE]);

/** The names of the context members that are bound, in order. */
export function boundMembers(context: Stated): readonly string[] {
  return Object.keys(context)
    .filter((name) => !UNBOUND.has(name))
    .toSorted();
}

/** What is bound, as one JSON document. A named member that is missing is left out, so that its absence makes a difference. */
export function boundParts({ subject, resource, action, context }: Question, members: readonly string[]): Json {
  const { act: _act, ...properties } = subject.properties;
  const named = members.filter((name) => Object.hasOwn(context, name));
  return {
    subject: entity({ ...subject, properties }),
    resource: entity(resource),
    action: withProperties({ name: action.name }, action),
    context: Object.fromEntries(named.map((name) => [name, context[name] ?? null])),
  };
}

function entity({ type, id, properties }: Entity): Json {
  return withProperties({ type, id }, { properties });
}

/** Properties that are empty and properties that are not there are the same. */
function withProperties(names: { readonly [name: string]: Json }, { properties }: Pick<Action, "properties">): Json {
  return Object.keys(properties).length === 0 ? names : { ...names, properties };
}
