/** Counts and times a request of AuthZEN, whichever way it took. */
import type { Metrics } from "../../../platform/metrics/metrics.ts";

const BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];

export type ObserveRequest = (operation: string, status: number, durationMs: number) => void;

export function createObserveRequest(metrics: Metrics): ObserveRequest {
  const seconds = metrics.histogram("authzen_request_seconds", "AuthZEN requests by operation and status", BUCKETS_S, [
    "operation",
    "status",
  ]);
  return (operation, status, durationMs) => {
    seconds.observe({ operation, status: String(status) }, durationMs / 1_000);
  };
}
