/** From a body to a question. A body that is not one is refused with a sentence, never truncated. */
import { Compile } from "typebox/compile";
import type { Action, Entity, Question, Stated } from "../../../core/domain/question.ts";
import type { Json } from "../../../core/domain/subject.ts";
import { sentenceOf } from "./say.ts";
import { EvaluationBody, EvaluationsBody, ItemBody } from "./schema.ts";

const evaluationBody = Compile(EvaluationBody);
const evaluationsBody = Compile(EvaluationsBody);
const itemBody = Compile(ItemBody);

export type Read<T> = { readonly kind: "read"; readonly value: T } | { readonly kind: "refused"; readonly why: string };

export function readEvaluation(body: unknown): Read<EvaluationBody> {
  return evaluationBody.Check(body) ? { kind: "read", value: body } : refusedBy(evaluationBody.Errors(body));
}

export function readEvaluations(body: unknown): Read<EvaluationsBody> {
  return evaluationsBody.Check(body) ? { kind: "read", value: body } : refusedBy(evaluationsBody.Errors(body));
}

/** A body as one evaluation. */
export function readQuestion(value: unknown): Read<Question> {
  const read = readEvaluation(value);
  return read.kind === "read" ? { kind: "read", value: questionOf(read.value) } : read;
}

export type Defaults = Pick<EvaluationsBody, keyof ItemBody>;

/**
 * Reads the items of a batch, whose defaults its schema has seen and which are read once: they can be long, and the items many. A default counts for
 * an item that lacks the entity, as a whole and never member by member.
 */
export function itemReader({ subject, action, resource, context }: Defaults): (item: unknown) => Read<Question> {
  const defaults = {
    subject: subject && entityOf(subject),
    action: action && actionOf(action),
    resource: resource && entityOf(resource),
    context: statedContext(context),
  };
  const standIns = {
    ...(subject === undefined ? {} : { subject: SOME_ENTITY }),
    ...(action === undefined ? {} : { action: SOME_ACTION }),
    ...(resource === undefined ? {} : { resource: SOME_ENTITY }),
  };
  return (item) => (itemBody.Check(item) ? joined(item) : undefined) ?? refusal(item);

  function joined(item: ItemBody): Read<Question> | undefined {
    const value = {
      subject: item.subject === undefined ? defaults.subject : entityOf(item.subject),
      action: item.action === undefined ? defaults.action : actionOf(item.action),
      resource: item.resource === undefined ? defaults.resource : entityOf(item.resource),
      context: item.context === undefined ? defaults.context : statedContext(item.context),
    };
    return isWhole(value) ? { kind: "read", value } : undefined;
  }

  /** What the schema says of the whole, in which nothing is wrong with the defaults. */
  function refusal(item: unknown): Read<never> {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return refusedBy(evaluationBody.Errors(item));
    const own = Object.fromEntries(Object.entries(item).filter(([name]) => ENTITIES.has(name)));
    return refusedBy(evaluationBody.Errors({ ...standIns, ...own }));
  }
}

const ENTITIES: ReadonlySet<string> = new Set([
  "subject",
  "action",
  "resource",
  "context",
] satisfies (keyof Question)[]);
const SOME_ENTITY = { type: "some", id: "some" };
const SOME_ACTION = { name: "some" };

function isWhole(value: { readonly [Name in keyof Question]: Question[Name] | undefined }): value is Question {
  return value.subject !== undefined && value.action !== undefined && value.resource !== undefined;
}

function refusedBy([first]: readonly { readonly instancePath: string; readonly message: string }[]): Read<never> {
  return { kind: "refused", why: sentenceOf(first) };
}

/** Of a body that its schema has seen. */
export function questionOf({ subject, action, resource, context }: EvaluationBody): Question {
  return {
    subject: entityOf(subject),
    action: actionOf(action),
    resource: entityOf(resource),
    context: statedContext(context),
  };
}

function entityOf({ type, id, properties }: EvaluationBody["subject"]): Entity {
  return { type, id, properties: stated(properties) };
}

function actionOf({ name, properties }: EvaluationBody["action"]): Action {
  return { name, properties: stated(properties) };
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
