/** Logs of earlier boots in the spool: closed and shipped under their own ids, one after the other, while the current log runs. */
import type { Instant } from "../../../core/domain/time.ts";
import type { Signer } from "../../../core/messages/signing.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import { createDrain } from "./drain.ts";
import { recoverBoot } from "./recover.ts";
import { createShipper } from "./ship.ts";
import { bootsIn, removeShipped } from "./spool-files.ts";

const START = { segment: 0, offset: 0 };

type EarlierBootsDeps = {
  readonly stream: Pick<EventStream, "publish">;
  readonly signer: Signer;
  readonly log: Log;
  readonly now: () => Instant;
  readonly shipped: (records: number) => void;
};

type EarlierBoots = {
  /**
   * Resolves when all are shipped that this key may sign, and with the signal; never rejects. One that another key has to sign stays until
   * that key is back.
   */
  ship(boots: readonly string[], signal: AbortSignal): Promise<void>;
  behind(): string | undefined;
};

export function createEarlierBoots(
  { stream, signer, log, now, shipped }: EarlierBootsDeps,
  { folder, deployment }: { readonly folder: string; readonly deployment: string },
): EarlierBoots {
  let behind: () => string | undefined = () => undefined;

  async function shipOne(boot: string, signal: AbortSignal): Promise<void> {
    const recovered = recoverBoot(folder, boot, now());
    if (recovered.kind === "empty") return removeShipped(folder, boot, START, true);
    if (recovered.kind === "unreadable" || !recovered.log.startsWith(`pdp/${signer.kid}/`)) {
      const why = recovered.kind === "unreadable" ? "unreadable" : "another_key";
      log.error(
        { event: "decision_log_left", boot, why },
        "decisions of an earlier boot stay in the spool: they are damaged, or were signed by another key",
      );
      return;
    }
    const shipper = createShipper({ stream, signer, log }, { folder, deployment, boot, log: recovered.log });
    const drain = createDrain({ shipper, log, onShipped: ({ records }) => shipped(records) });
    behind = drain.behind;
    await drain.run("empty", signal);
    if (signal.aborted) return;
    await removeShipped(folder, boot, START, true);
    log.info({ event: "decision_log_recovered", boot }, "an earlier boot's decisions are shipped");
  }

  return {
    async ship(boots, signal) {
      for (const boot of boots) {
        if (signal.aborted) return;
        await shipOne(boot, signal).catch((error: unknown) =>
          log.error(
            { event: "decision_log_recovery_failed", boot, err: error },
            "decisions of an earlier boot are not shipped; the next start tries it again",
          ),
        );
      }
    },
    behind: () => behind(),
  };
}

export function earlierBoots(folder: string, own: string): readonly string[] {
  return bootsIn(folder).filter((boot) => boot !== own);
}
