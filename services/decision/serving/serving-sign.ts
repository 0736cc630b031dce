/**
 * What grpc.health reports on every port: SERVING while this service can decide (readiness.ts), NOT_SERVING from SIGTERM on, for `noticeMs`
 * before shutdown begins. Otherwise an enforcer that probes once a second would keep sending calls to a closed port.
 *
 * It is advisory and opens nothing: a call that comes anyway is answered as always, with a denial if there is no policy.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { CheckResult } from "../../../platform/http/ops-server.ts";
import type { Log } from "../../../platform/log/log.ts";

/** Well below the probe intervals of enforcers. */
const LOOK_MS = 100;
const ENDING: CheckResult = { status: "failed", detail: "told to end; calls are still answered" };

type ServingSign = {
  /** Reports NOT_SERVING, and resolves when enforcers have had time to see it. Never rejects. */
  leave(): Promise<void>;
  /** For `/readyz`: failed from then on. */
  health(): CheckResult;
};

type ServingSignDeps = {
  readonly canJudge: () => boolean;
  readonly say: (serving: boolean) => void;
  readonly log: Log;
  /** Ends it, also during a notice. */
  readonly signal: AbortSignal;
};

/** Reports the current state at once. */
export function createServingSign(
  { canJudge, say, log, signal }: ServingSignDeps,
  { noticeMs }: { readonly noticeMs: number },
): ServingSign {
  let said: boolean | undefined;
  let isLeaving = false;

  function look(): void {
    const serves = canJudge() && !isLeaving;
    if (serves === said) return;
    if (said === true && !isLeaving)
      log.warn(
        { event: "serving_paused" },
        "cannot decide any more (no active policy); grpc.health reports NOT_SERVING",
      );
    if (said === false) log.info({ event: "serving_resumed" }, "can decide again; grpc.health reports SERVING");
    said = serves;
    say(serves);
  }

  look();
  const timer = setInterval(look, LOOK_MS).unref();
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });

  return {
    async leave() {
      isLeaving = true;
      look();
      if (noticeMs > 0) await sleep(noticeMs, undefined, { signal }).catch(() => {});
    },
    health: () => (isLeaving ? ENDING : { status: "ok" }),
  };
}
