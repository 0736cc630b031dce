/**
 * Rule 7 (core/domain/readiness.ts) as it is asked for: part by part by operators, and as a whole by whoever waits to be served. `/readyz`
 * is failed exactly while the whole is not ready, and degraded while it is (readiness.test.ts).
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Freshness } from "../../../core/domain/freshness.ts";
import { type Readiness, readiness, type StateRead } from "../../../core/domain/readiness.ts";
import type { CheckResult } from "../../../platform/http/ops-server.ts";

const POLL_MS = 20;

type Parts = {
  /** Failed while no bundle is active. */
  readonly bundle: () => CheckResult;
  /** Failed while an issuer has no keys that may be used. */
  readonly keys: () => CheckResult;
  readonly state: () => StateRead;
  readonly grants: () => Freshness;
};

export function createReadiness({ bundle, keys, state, grants }: Parts) {
  const judge = (): Readiness =>
    readiness({
      hasPolicy: bundle().status !== "failed",
      hasKeys: keys().status !== "failed",
      state: state(),
      grants: grants(),
    });
  const checks: readonly (readonly [string, () => CheckResult])[] = [
    ["bundle", bundle],
    ["keys", keys],
    ["state", () => ({ status: state() === "reading" ? "failed" : "ok", detail: state() })],
    [
      "grants",
      () => {
        const now = grants();
        return now.kind === "fresh" ? { status: "ok" } : { status: "degraded", detail: now.why };
      },
    ],
  ];
  return {
    judge,
    /** Whether it may go on being asked, once it was ready. NB: not whether every issuer's keys are there: others, and those without a token, are judged all the same. */
    canJudge: (): boolean => bundle().status !== "failed",
    checks,
    /** Rejects when aborted. */
    async untilReady(signal: AbortSignal): Promise<void> {
      while (judge().kind === "not_ready") await sleep(POLL_MS, undefined, { signal });
    },
  };
}
