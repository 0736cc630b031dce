/**
 * Access Evaluations (AuthZEN 1.0, "Access Evaluations API"): the items in order, each completed with the defaults of the body (question.ts). An
 * item that lacks something is denied by itself, and so is one for which no time is left: the defaults alone can be long, and a policy is shown
 * them for each item. The semantics say when to stop, and nothing more is read, asked or recorded for a caller who has gone. Between items, other
 * work of the event loop gets its turn.
 */
import type { Pause } from "../../../platform/shared-pause.ts";
import type { Ask } from "../api/ports.ts";
import { type AnswerParts, type DecisionShown, refusedItem, shownItem } from "./answer.ts";
import type { Deadline } from "../ports.ts";
import { type Defaults, itemReader } from "./question.ts";
import type { Semantic } from "./schema.ts";

const TOO_LATE = refusedItem("no time is left for it: ask for fewer at once", 503);

type Terms = {
  readonly semantic: Semantic;
  readonly parts: AnswerParts;
  readonly deadline: Deadline;
  readonly isGone: () => boolean;
  readonly pause: Pause;
};

export async function evaluateBatch(
  ask: Ask,
  defaults: Defaults,
  items: readonly unknown[],
  { semantic, parts, deadline, isGone, pause }: Terms,
): Promise<readonly DecisionShown[]> {
  const shown: DecisionShown[] = [];
  const readItem = itemReader(defaults);
  const answerTo = async (item: unknown) => {
    const question = readItem(item);
    return question.kind === "read" ? shownItem(await ask(question.value, "ask"), parts) : refusedItem(question.why);
  };
  for (const item of items) {
    await pause();
    if (isGone()) break;
    const one = deadline.leftMs() > 0 ? await answerTo(item) : TOO_LATE;
    shown.push(one);
    if (semantic === "deny_on_first_deny" && !one.decision) break;
    if (semantic === "permit_on_first_permit" && one.decision) break;
  }
  return shown;
}
