/**
 * Access Evaluations (AuthZEN 1.0, "Access Evaluations API"): items in their order, each joined with the defaults of the body. A default
 * counts for an item that lacks the entity, as a whole and never member by member. An item that lacks something is denied
 * by itself, as is one for which no time is left: the defaults alone can be long, and are read for each item. The semantics say when to stop.
 * Between items whatever else waits gets its turn.
 */
import type { Question } from "../../../core/domain/question.ts";
import { createPause } from "../../../platform/pause.ts";
import type { Answered } from "../api/ports.ts";
import { type AnswerParts, type DecisionShown, refusedItem, shownItem } from "./answer.ts";
import type { Deadline } from "../ports.ts";
import { readQuestion } from "./question.ts";
import type { Semantic } from "./schema.ts";

const PAUSE_AFTER_MS = 2;
const ENTITIES = ["subject", "action", "resource", "context"] as const;

const TOO_LATE = refusedItem("no time is left for it: ask for fewer at once", 503);

type BatchBody = { readonly [Name in (typeof ENTITIES)[number]]?: unknown };

export async function evaluateBatch(
  ask: (question: Question) => Promise<Answered>,
  defaults: BatchBody,
  items: readonly unknown[],
  {
    semantic,
    parts,
    deadline,
  }: { readonly semantic: Semantic; readonly parts: AnswerParts; readonly deadline: Deadline },
): Promise<readonly DecisionShown[]> {
  const pause = createPause(PAUSE_AFTER_MS);
  const shown: DecisionShown[] = [];
  const answerTo = async (item: unknown) => {
    const question = readQuestion(joined(defaults, item));
    return question.kind === "read" ? shownItem(await ask(question.value), parts) : refusedItem(question.why);
  };
  for (const item of items) {
    const one = deadline.leftMs() > 0 ? await answerTo(item) : TOO_LATE;
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
