/**
 * Access Evaluations (AuthZEN 1.0, "Access Evaluations API"): items in their order, each joined with the defaults of the body. A default
 * counts for an item that lacks the entity, as a whole and never member by member. An item that lacks something is denied
 * by itself; the semantics say when to stop. Between items whatever else waits gets its turn.
 */
import type { Question } from "../../../core/domain/question.ts";
import { createPause } from "../../../platform/pause.ts";
import type { Answered } from "../api/ports.ts";
import { type AnswerParts, type DecisionShown, refusedItem, shownItem } from "./answer.ts";
import { readQuestion } from "./question.ts";
import type { Semantic } from "./schema.ts";

const PAUSE_AFTER_MS = 2;
const ENTITIES = ["subject", "action", "resource", "context"] as const;

type BatchBody = { readonly [Name in (typeof ENTITIES)[number]]?: unknown };

export async function evaluateBatch(
  ask: (question: Question) => Promise<Answered>,
  defaults: BatchBody,
  items: readonly unknown[],
  { semantic, parts }: { readonly semantic: Semantic; readonly parts: AnswerParts },
): Promise<readonly DecisionShown[]> {
  const pause = createPause(PAUSE_AFTER_MS);
  const shown: DecisionShown[] = [];
  for (const item of items) {
    const question = readQuestion(joined(defaults, item));
    const one = question.kind === "read" ? shownItem(await ask(question.value), parts) : refusedItem(question.why);
    shown.push(one);
    if (semantic === "deny_on_first_deny" && !one.decision) break;
    if (semantic === "permit_on_first_permit" && one.decision) break;
    await pause();
  }
  return shown;
}

function joined(defaults: BatchBody, item: unknown): unknown {
  if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
  const own = new Map<string, unknown>(Object.entries(item));
  const members = ENTITIES.map((name) => [name, own.has(name) ? own.get(name) : defaults[name]] as const);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}
