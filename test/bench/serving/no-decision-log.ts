/** In place of decision-log.ts: says of every decision that it was recorded, and keeps none. */
import type * as real from "../../../services/decision/decision-log/decision-log.ts";

export const startDecisionLog: typeof real.startDecisionLog = (_deps, { required }) => ({
  required,
  append: () => Promise.resolve("recorded"),
  health: () => ({ status: "ok" }),
  replaceSigner() {},
  [Symbol.asyncDispose]: () => Promise.resolve(),
});
