/** Requests of the API as the service answers them, by a test's own answers to their questions. */
import { createUnderWay, type UnderWay } from "../../platform/lifecycle/under-way.ts";
import { createAsking } from "../../services/decision/api/asking.ts";
import type { ApiCallers, Asking, AskQuestion } from "../../services/decision/api/ports.ts";

export function askingBy(ask: AskQuestion, callers: ApiCallers, underWay: UnderWay = createUnderWay()): Asking {
  return createAsking({ ask, callers, underWay });
}
