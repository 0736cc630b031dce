/** Counts and times every decision, and logs it at level debug, whichever edge it came by. */
import { isAllow } from "../../../core/domain/decision.ts";
import type { CountedBy } from "../../../platform/log/count-events.ts";
import type { Log } from "../../../platform/log/log.ts";
import { createSomeLines } from "../../../platform/log/some-lines.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { ObserveDecision } from "../ports.ts";
import { reasonOf } from "./logged-decision.ts";

/** The event comes with every check: to count it in `events_total` too would cost a quarter of a microsecond. */
export const COUNTED_BY: CountedBy = new Map([["decision", "decisions_total"]]);

const BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];

export function createObserveDecision({
  log,
  metrics,
  monotonicMs,
}: {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly monotonicMs: () => number;
}): ObserveDecision {
  const decisions = metrics.counter("decisions_total", "decisions by outcome and reason", ["outcome", "reason"]);
  const seconds = metrics.histogram("decision_seconds", "time of one decision", BUCKETS_S);
  const displayLines = createSomeLines({ monotonicMs });
  return ({ decision, subject }, { decisionId, call, client }, durationMs) => {
    const outcome = decision.kind === "allow" && !isAllow(decision) ? "deny" : decision.kind;
    const reason = reasonOf(decision) ?? "";
    decisions.inc({ outcome, reason });
    seconds.observe(durationMs / 1_000);
    // NB: neither query nor headers: they may contain secrets.
    const { method, path } = call.http ?? {};
    const what = { decisionId, method, path, subject: subject?.id, client };
    if (decision.kind === "deny" && decision.reason === "display_too_large") {
      const unlogged = displayLines();
      if (unlogged !== undefined) {
        log.warn(
          { event: "display_too_large", detail: decision.reasons.join(), ...what, unlogged },
          "a call that could be approved is denied, because the policy has more to show reviewers than they are shown; see detail, shorten the elevation's display",
        );
      }
    }
    if (log.isLevelEnabled("debug")) {
      log.debug({ event: "decision", outcome, reason, ...what, ms: Math.round(durationMs) }, "decision");
    }
  };
}
