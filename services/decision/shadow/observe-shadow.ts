/** Reports agreements and differences: as metrics, as a limited number of log lines, and as figures of the status. */
import type { Log } from "../../../platform/log/log.ts";
import { createSomeLines } from "../../../platform/log/some-lines.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { Compared, Differing } from "./candidate-messages.ts";
import type { NotCompared } from "./shadow.ts";

type ShadowObserver = {
  onCompared(compared: Compared): void;
  onNotCompared(why: NotCompared, count: number): void;
  onLost(): void;
  /** Since the process started. */
  counts(): { readonly [what in "agreed" | "differed" | NotCompared]: number };
};

export function createShadowObserver({
  log,
  metrics,
  monotonicMs,
}: {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly monotonicMs: () => number;
}): ShadowObserver {
  const compared = metrics.counter("shadow_compared_total", "decisions that were also asked of the candidate", [
    "result",
  ]);
  const differences = metrics.counter(
    "shadow_differences_total",
    "differences between the candidate and the active policy, by kind",
    ["kind"],
  );
  const notCompared = metrics.counter(
    "shadow_not_compared_total",
    "decisions that the candidate was not asked: its queue was full (dropped), its thread ended, there is no input for it, or its caller was not identified",
    ["why"],
  );
  const lines = createSomeLines({ monotonicMs });
  const totals = { agreed: 0, differed: 0, dropped: 0, lost: 0, not_described: 0, not_identified: 0 };

  function tell({ decisionId, revision, differences: kinds, active, candidate }: Differing, own: string): void {
    const unlogged = lines();
    if (unlogged === undefined) return;
    log.info(
      { event: "shadow_difference", decisionId, kinds, revision, active, candidateRevision: own, candidate, unlogged },
      "the candidate decides differently",
    );
  }

  return {
    onCompared({ revision, agreed, differing }) {
      totals.agreed += agreed;
      totals.differed += differing.length;
      compared.inc({ result: "agrees" }, agreed);
      compared.inc({ result: "differs" }, differing.length);
      for (const one of differing) {
        for (const kind of one.differences) differences.inc({ kind });
        tell(one, revision);
      }
    },
    onNotCompared(why, count) {
      totals[why] += count;
      notCompared.inc({ why }, count);
    },
    onLost: () => log.error({ event: "shadow_thread_ended" }, "the candidate's thread has ended; it is started again"),
    counts: () => ({ ...totals }),
  };
}
