/** Requests of the API as the service answers them, by a test's own answers to their questions. */
import { createUnderWay, type UnderWay } from "../../platform/lifecycle/under-way.ts";
import { createAsking } from "../../services/decision/api/asking.ts";
import type { ApiCallers, Asking, AskQuestion } from "../../services/decision/api/ports.ts";

/** Everybody is known, is no enforcer, and is trusted with no subject. */
export const CALLERS: ApiCallers = {
  authenticate: async () => ({ kind: "client", client: { name: "c", subjects: new Map(), enforcer: false } }),
  vouch: () => ({ kind: "refused", reason: "subject_not_trusted" }),
  inOwnWords: (_caller, question) => question,
};

export function askingBy(
  ask: AskQuestion,
  callers: ApiCallers = CALLERS,
  underWay: UnderWay = createUnderWay(),
): Asking {
  return createAsking({ ask, callers, underWay });
}
