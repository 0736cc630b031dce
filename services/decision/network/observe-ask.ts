/** Counts and logs every network call of a policy. Only the host is ever named. */
import type { Log } from "../../../platform/log/log.ts";
import { createSomeLines } from "../../../platform/log/some-lines.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { AskedHost } from "../ports.ts";

export type ObserveAsk = (asked: AskedHost) => void;

const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const MAX_HOST = 255;

export function createObserveAsk({
  log,
  metrics,
  monotonicMs,
}: {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly monotonicMs: () => number;
}): ObserveAsk {
  const asks = metrics.counter(
    "policy_asks_total",
    "questions of policies to the network: answered, kept from another decision, failed (the policy is told an error), refused (the host is not in policy.network), unanswered (beyond a bound, and the decision ended)",
    ["outcome"],
  );
  const seconds = metrics.histogram(
    "policy_ask_seconds",
    "time until a policy's network call had its outcome",
    BUCKETS_S,
  );
  const lines = createSomeLines({ monotonicMs });
  return ({ host, outcome, durationMs }) => {
    asks.inc({ outcome });
    seconds.observe(durationMs / 1_000);
    if (outcome === "answered" || outcome === "kept") return;
    const unlogged = lines();
    if (unlogged === undefined) return;
    log.warn(
      { event: "policy_ask", host: host.slice(0, MAX_HOST), outcome, durationMs, unlogged },
      "a policy's network call got no answer",
    );
  };
}
