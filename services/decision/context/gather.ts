/**
 * What policies may know of the moment, as `input.context`: the time, the source address by trusted hops, and whether
 * the state that grants come from is fresh. Each is a value of this moment; nothing is fetched inside a check.
 */
import type { Clocks, Freshness } from "../../../core/domain/freshness.ts";
import { rfc3339 } from "../../../core/domain/time.ts";
import type { Context, Evaluation } from "../ports.ts";

export function createContext({
  freshness,
  sourceAddress,
}: {
  readonly freshness: (clocks: Clocks) => Freshness;
  readonly sourceAddress: (evaluation: Evaluation) => string | undefined;
}): Context {
  return {
    gather(evaluation, clocks) {
      const address = sourceAddress(evaluation);
      return {
        time: rfc3339(clocks.wall),
        ...(address === undefined ? {} : { source_address: address }),
        state: { fresh: freshness(clocks).kind === "fresh" },
      };
    },
  };
}
