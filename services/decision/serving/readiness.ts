/**
 * Rule 7 (core/domain/readiness.ts) as it is reported: part by part to operators, and as a whole to enforcers. `/readyz` is failed exactly while
 * the whole is not ready, and degraded at most while it is (readiness.test.ts).
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Freshness } from "../../../core/domain/freshness.ts";
import { type KeysKnown, type Readiness, readiness, type StateRead } from "../../../core/domain/readiness.ts";
import type { CheckResult } from "../../../platform/http/ops-server.ts";

const POLL_MS = 20;
const KEYS: Readonly<Record<CheckResult["status"], KeysKnown>> = {
  ...{ ok: "of_everyone", degraded: "of_others", failed: "lacking" },
};

type Parts = {
  /** Failed while no bundle is active. */
  readonly bundle: () => CheckResult;
  /** Degraded while an issuer has no keys that may be used; failed while it is waited for, or nobody could be known without it. */
  readonly keys: () => CheckResult;
  readonly state: () => StateRead;
  readonly grants: () => Freshness;
};

export function createReadiness({ bundle, keys, state, grants }: Parts) {
  const judge = (): Readiness =>
    readiness({
      hasPolicy: bundle().status !== "failed",
      keys: KEYS[keys().status],
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
    /** Whether it may still be asked, once it was ready. NB: a missing key set does not count: other issuers' tokens, and calls without one, are decided all the same. */
    canJudge: (): boolean => bundle().status !== "failed",
    checks,
    /** Rejects when aborted. */
    async untilReady(signal: AbortSignal): Promise<void> {
      while (judge().kind === "not_ready") await sleep(POLL_MS, undefined, { signal });
    },
  };
}
