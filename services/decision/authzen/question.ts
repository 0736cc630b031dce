/** From a body to a question. What cannot be one is refused with a sentence, never cut. */
import { sentenceOf } from "./say.ts";
import { Compile } from "typebox/compile";
import type { Question, Stated } from "../../../core/domain/question.ts";
import type { Json } from "../../../core/domain/subject.ts";
import { EvaluationBody, EvaluationsBody } from "./schema.ts";

const evaluationBody = Compile(EvaluationBody);
const evaluationsBody = Compile(EvaluationsBody);

export type Read<T> = { readonly kind: "read"; readonly value: T } | { readonly kind: "refused"; readonly why: string };

export function readEvaluation(body: unknown): Read<EvaluationBody> {
  return evaluationBody.Check(body) ? { kind: "read", value: body } : refusedBy(evaluationBody.Errors(body));
}

export function readEvaluations(body: unknown): Read<EvaluationsBody> {
  return evaluationsBody.Check(body) ? { kind: "read", value: body } : refusedBy(evaluationsBody.Errors(body));
}

/** One evaluation: of a body, or of an item of a batch joined with its defaults. */
export function readQuestion(value: unknown): Read<Question> {
  const read = readEvaluation(value);
  return read.kind === "read" ? { kind: "read", value: questionOf(read.value) } : read;
}

function refusedBy([first]: readonly { readonly instancePath: string; readonly message: string }[]): Read<never> {
  return { kind: "refused", why: sentenceOf(first) };
}

/** Of a body that its schema has seen. */
export function questionOf({ subject, action, resource, context }: EvaluationBody): Question {
  return {
    subject: { type: subject.type, id: subject.id, properties: stated(subject.properties) },
    action: { name: action.name, properties: stated(action.properties) },
    resource: { type: resource.type, id: resource.id, properties: stated(resource.properties) },
    context: statedContext(context),
  };
}

/**
 * NB: an approval that is stated decides nothing, so that no policy sees it: the question is judged as if it were not there
 * (reevaluation.ts reads it, to say what to do after a denial).
 */
export function statedContext(value: unknown): Stated {
  const members = stated(value);
  if (!Object.hasOwn(members, "approval")) return members;
  const { approval: _approval, ...context } = members;
  return context;
}

/** NB: called on what JSON.parse made, so every member is JSON. */
export function stated(value: unknown): Stated {
  return isStated(value) ? value : {};
}

function isStated(value: unknown): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
