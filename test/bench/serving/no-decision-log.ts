/** In place of decision-log.ts: says of every decision that it was recorded, and keeps none. */
import type * as real from "../../../services/decision/decision-log/decision-log.ts";

export const startDecisionLog: typeof real.startDecisionLog = () => ({
  append: () => Promise.resolve(undefined),
  health: () => ({ status: "ok" }),
  replaceSigner() {},
  [Symbol.asyncDispose]: () => Promise.resolve(),
});
