/**
 * What became of each request: counted by outcome and logged once. Refusals by themselves are the client's doing and logged as
 * information; a decision service or upstream that fails is a warning. NB: of the request only method and path are logged,
 * never the query, a header line or the body.
 */
import type { Log } from "../../platform/log/log.ts";
import type { Metrics } from "../../platform/metrics/metrics.ts";
import type { Unusable } from "./check/verdict.ts";
import type { RefusalReason } from "./refusal.ts";

export type Outcome =
  | { readonly kind: "forwarded"; readonly status: number }
  | { readonly kind: "switched" }
  | { readonly kind: "denied"; readonly status: number }
  | { readonly kind: "refused"; readonly reason: RefusalReason }
  | { readonly kind: "undecided"; readonly why: Unusable }
  /** The client or the upstream broke off, or the longest time of a request was over. */
  | { readonly kind: "cut" };

type Finished = {
  readonly outcome: Outcome;
  readonly requestId: string;
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly durationMs: number;
};

export type Observe = {
  finished(finished: Finished): void;
  /** Something threw where nothing should. */
  fault(error: unknown): void;
};

const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

export function createObserve({ metrics, log }: { readonly metrics: Metrics; readonly log: Log }): Observe {
  const requests = metrics.counter("requests_total", "requests by outcome and reason", ["outcome", "reason"]);
  const seconds = metrics.histogram(
    "request_seconds",
    "time from the request's head to the end of its answer",
    BUCKETS_S,
  );
  const faults = metrics.counter("faults_total", "unexpected exceptions");
  return {
    finished({ outcome, requestId, method, url, durationMs }) {
      const reason = reasonOf(outcome);
      requests.inc({ outcome: outcome.kind, reason });
      seconds.observe(durationMs / 1_000);
      const record = {
        outcome: outcome.kind,
        ...(reason === "" ? {} : { reason }),
        ...("status" in outcome ? { status: outcome.status } : {}),
        requestId,
        method,
        path: pathOf(url),
        durationMs: Math.round(durationMs),
      };
      log[levelOf(outcome)]({ event: "request", ...record }, "request");
    },
    fault(error) {
      faults.inc();
      log.error({ event: "fault", err: error }, "a request ended in a fault");
    },
  };
}

/** A target in any other form could hold credentials. */
function pathOf(url = ""): string | undefined {
  return url.startsWith("/") ? url.split(/[?#]/, 1)[0] : undefined;
}

function reasonOf(outcome: Outcome): string {
  if (outcome.kind === "refused") return outcome.reason;
  return outcome.kind === "undecided" ? outcome.why : "";
}

function levelOf(outcome: Outcome): "debug" | "info" | "warn" {
  if (outcome.kind === "undecided") return "warn";
  if (outcome.kind === "refused") return outcome.reason.startsWith("upstream_") ? "warn" : "info";
  return "debug";
}
