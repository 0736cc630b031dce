/**
 * What whoever chooses among decision services is told, by grpc.health of every port: SERVING while this one can judge (readiness.ts), for as
 * long as it runs; and NOT_SERVING from the moment it is told to end, for `noticeMs` before it begins to. Somebody who probes once a
 * second would otherwise send new calls to a closed port until the next probe.
 *
 * NB: it is advice and opens nothing. Whatever is asked in spite of it is answered as ever, by a denial where there is nothing to judge by.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { CheckResult } from "../../../platform/http/ops-server.ts";
import type { Log } from "../../../platform/log/log.ts";

/** Well below what enforcers probe with. */
const LOOK_MS = 100;
const ENDING: CheckResult = { status: "failed", detail: "told to end; calls are still answered" };

type ServingSign = {
  /** Says that it does not serve, and resolves when everybody has had the time to hear it. Never rejects. */
  leave(): Promise<void>;
  /** For `/readyz`: failed from then on. */
  health(): CheckResult;
};

type ServingSignDeps = {
  readonly canJudge: () => boolean;
  readonly say: (serving: boolean) => void;
  readonly log: Log;
  /** Ends it, a notice under way too. */
  readonly signal: AbortSignal;
};

/** Says at once what is so. */
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
      log.warn({ event: "serving_paused" }, "nothing to judge by any more; grpc.health says so");
    if (said === false) log.info({ event: "serving_resumed" }, "it can judge again; grpc.health says so");
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
