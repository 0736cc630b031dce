/**
 * From a body to a question: parsed JSON whose nesting and texts can be written into a policy's input and a record. What
 * cannot be is refused with a sentence, never cut.
 */
import { Compile } from "typebox/compile";
import type { Question, Stated } from "../../../core/domain/question.ts";
import type { Json } from "../../../core/domain/subject.ts";
import { EvaluationBody } from "./schema.ts";

/** The policy host reads documents recursively. */
const MAX_DEPTH = 32;
const schema = Compile(EvaluationBody);

export type Read<T> = { readonly kind: "read"; readonly value: T } | { readonly kind: "refused"; readonly why: string };

/** Why `value` cannot be taken on, or undefined. NB: a lone surrogate has no form in UTF-8, so it could be signed as one thing and read as another. */
export function faultIn(value: unknown, depth = 0): string | undefined {
  if (typeof value === "string") return value.isWellFormed() ? undefined : "a text holds half a surrogate pair";
  if (typeof value === "number" && !Number.isFinite(value)) return "a number is not finite";
  if (typeof value !== "object" || value === null) return undefined;
  if (depth >= MAX_DEPTH) return `nested deeper than ${MAX_DEPTH}`;
  for (const [name, member] of Object.entries(value)) {
    if (!name.isWellFormed()) return "a name holds half a surrogate pair";
    const fault = faultIn(member, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** One evaluation: of a body, or of an item of a batch joined with its defaults. */
export function readQuestion(value: unknown): Read<Question> {
  if (!schema.Check(value)) {
    const first = schema.Errors(value)[0];
    return { kind: "refused", why: `${first?.instancePath || "body"} ${first?.message ?? "is not valid"}` };
  }
  const { subject, action, resource, context } = value;
  return {
    kind: "read",
    value: {
      subject: { type: subject.type, id: subject.id, properties: stated(subject.properties) },
      action: { name: action.name, properties: stated(action.properties) },
      resource: { type: resource.type, id: resource.id, properties: stated(resource.properties) },
      context: stated(context),
    },
  };
}

/** NB: called on what JSON.parse made, so every member is JSON. */
export function stated(value: unknown): Stated {
  return isStated(value) ? value : {};
}

function isStated(value: unknown): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
