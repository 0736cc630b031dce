/**
 * What grpc.health says for the redemption port: SERVING while the database answers, since nothing can be redeemed without it. It is advice for
 * choosing among approval services; a redemption sent anyway ends in a fault, which is a denial.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { within } from "../../../platform/within.ts";

const EVERY_MS = 1_000;
const ANSWERS_WITHIN_MS = 1_000;

type DatabaseHealth = {
  /** Rejects when the database does not answer. */
  readonly ask: () => Promise<unknown>;
  readonly say: (serving: boolean) => void;
  readonly signal: AbortSignal;
};

/** Until the signal. Never rejects. */
export async function followDatabase({ ask, say, signal }: DatabaseHealth, everyMs = EVERY_MS): Promise<void> {
  while (!signal.aborted) {
    const isThere = await within(ANSWERS_WITHIN_MS, ask()).then(
      () => true,
      () => false,
    );
    if (signal.aborted) return;
    say(isThere);
    await sleep(everyMs, undefined, { signal, ref: false }).catch(() => {});
  }
}
