import { expect, test } from "@jest/globals";
import type { Freshness } from "../../../core/domain/freshness.ts";
import type { StateRead } from "../../../core/domain/readiness.ts";
import { instant } from "../../../core/domain/time.ts";
import type { CheckResult } from "../../../platform/http/ops-server.ts";
import { createReadiness } from "./readiness.ts";

const OK: CheckResult = { status: "ok" };
const DEGRADED: CheckResult = { status: "degraded" };
const FAILED: CheckResult = { status: "failed" };
const AS_STATUS = { not_ready: "failed", degraded: "degraded", ready: "ok" } as const;
const states: readonly StateRead[] = ["reading", "read_to_end", "gave_up_waiting"];
const grants: readonly Freshness[] = [
  { kind: "fresh", serverNow: instant(1), databaseTime: instant(1) },
  { kind: "stale", why: "too_old" },
];
const every = [OK, FAILED].flatMap((bundle) =>
  [OK, DEGRADED, FAILED].flatMap((keys) =>
    states.flatMap((state) => grants.map((known) => ({ bundle, keys, state, grants: known }))),
  ),
);

test("the whole is as bad as the worst part that operators are shown, and no worse, in every combination", () => {
  for (const now of every) {
    const { judge, checks, canJudge } = createReadiness({
      bundle: () => now.bundle,
      keys: () => now.keys,
      state: () => now.state,
      grants: () => now.grants,
    });
    const shown = checks.map(([, check]) => check().status);
    const worst = shown.includes("failed") ? "failed" : shown.includes("degraded") ? "degraded" : "ok";
    expect([now, AS_STATUS[judge().kind]]).toEqual([now, worst]);
    // An issuer that is away for long stops nobody else: only without a policy there is nothing to judge by.
    expect([now, canJudge()]).toEqual([now, now.bundle.status === "ok"]);
  }
});

test("nobody is served before all that is needed is there; who waits is let go when the process ends", async () => {
  let keys = FAILED;
  const { untilReady } = createReadiness({
    ...{ bundle: () => OK, keys: () => keys, state: () => "gave_up_waiting" },
    grants: () => ({ kind: "stale", why: "no_heartbeat" }),
  });
  const stop = new AbortController();
  const ended = untilReady(stop.signal);
  stop.abort();
  await expect(ended).rejects.toThrow("aborted");
  const served = untilReady(new AbortController().signal);
  keys = OK;
  await expect(served).resolves.toBeUndefined();
});
