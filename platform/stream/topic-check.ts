/**
 * Verifies topics in the background of a start, because a service must also start while its brokers are down. Until they answer it says so; if
 * they answer and a topic is not as it must be, that is a fault that only an operator can fix.
 */
import { createBackoff } from "../backoff.ts";
import type { CheckResult } from "../http/ops-server.ts";
import { CannotStart } from "../lifecycle/cannot-start.ts";
import type { Log } from "../log/log.ts";
import { createStateLog } from "./state-log.ts";
import type { TopicFault } from "./topic-spec.ts";

interface TopicCheck {
  /** For readiness: degraded until the brokers have answered. */
  result(): CheckResult;
}

/** `verify` is asked until it answers; what it finds goes to `onFault` as one error that names every topic. */
export function startTopicCheck(
  {
    verify,
    onFault,
    log,
  }: {
    readonly verify: () => Promise<readonly TopicFault[]>;
    readonly onFault: (error: Error) => void;
    readonly log: Log;
  },
  signal: AbortSignal,
): TopicCheck {
  let result: CheckResult = { status: "degraded", detail: "topics not verified yet" };

  async function run(): Promise<void> {
    const state = createStateLog(log, "verifying the topics");
    const backoff = createBackoff({ firstMs: 500, maxMs: 10_000 });
    while (!signal.aborted) {
      try {
        const faults = await verify();
        state.worked();
        if (faults.length === 0) {
          result = { status: "ok" };
        } else {
          result = { status: "failed", detail: "topics are not as they have to be" };
          const list = faults.map(({ topic, problem }) => `${topic} ${problem}`).join("; ");
          onFault(new CannotStart(`topics: ${list}; npm run topics prints and creates them`, { mayHelpAgain: true }));
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        state.failed(error);
        await backoff.wait(signal).catch(() => {});
      }
    }
  }
  void run();
  return { result: () => result };
}
