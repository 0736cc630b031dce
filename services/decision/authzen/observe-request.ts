/** Counts and times an AuthZEN request, whichever way it took. */
import type { ServerResponse } from "node:http";
import type { Metrics } from "../../../platform/metrics/metrics.ts";

const BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];
/** What a proxy would note for a client that went away. */
const CLIENT_CLOSED = 499;

/** For the end of the response, which is also that of a connection before it. */
export type ObserveRequest = (operation: string, response: ServerResponse, durationMs: number) => void;

export function createObserveRequest(metrics: Metrics): ObserveRequest {
  const seconds = metrics.histogram("authzen_request_seconds", "AuthZEN requests by operation and status", BUCKETS_S, [
    "operation",
    "status",
  ]);
  return (operation, { writableFinished, statusCode }, durationMs) => {
    const status = String(writableFinished ? statusCode : CLIENT_CLOSED);
    seconds.observe(durationMs / 1_000, { operation, status });
  };
}
