/**
 * The log of one boot under one key, `pdp/<kid>/<boot>`: opened when it is made, written before each answer, shipped in the background, closed at
 * its end. A process has one at a time, and gets another only when it is given another key.
 */
import { type Instant, rfc3339 } from "../../../core/domain/time.ts";
import { decisionLogId } from "../../../core/messages/decision-record.ts";
import type { Signer } from "../../../core/messages/signing.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import { createDrain } from "./drain.ts";
import { createRecorder, type Recorder, type RecorderDeps } from "./record.ts";
import { createShipper } from "./ship.ts";
import { openSpool } from "./spool.ts";
import { removeShipped } from "./spool-files.ts";

export type BootLogDeps = Pick<RecorderDeps, "counted"> & {
  readonly stream: Pick<EventStream, "publish">;
  readonly signer: Signer;
  readonly log: Log;
  readonly now: () => Instant;
  readonly shipped: (records: number) => void;
};

export type BootLogOptions = {
  readonly folder: string;
  readonly deployment: string;
  readonly boot: string;
  readonly required: boolean;
  /** The current time: a log may also begin while the process runs. */
  readonly policyRevision: () => string | undefined;
  readonly segmentBytes?: number;
  readonly maxSpoolBytes?: number;
};

export type BootLog = Pick<Recorder, "append" | "failing"> & {
  readonly boot: string;
  /** Recorded and not yet acknowledged. */
  bytes(): number;
  behind(): string | undefined;
  /** Closes it and ships what is left, until the signal. What is not shipped then stays in the spool, for the next start. */
  end(signal: AbortSignal): Promise<void>;
};

const MIB = 1024 * 1024;

/** @throws when the spool cannot be written. */
export function openBootLog(deps: BootLogDeps, options: BootLogOptions): BootLog {
  const { signer, stream, log, now, counted } = deps;
  const { folder, deployment, boot, required, policyRevision } = options;
  const spool = openSpool({
    folder,
    boot,
    log: decisionLogId(signer.kid, boot),
    segmentBytes: options.segmentBytes ?? 16 * MIB,
    maxBytes: options.maxSpoolBytes ?? 1024 * MIB,
  });
  const drain = createDrain({
    shipper: createShipper({ stream, signer, log }, { folder, deployment, boot, log: spool.log }),
    log,
    onShipped({ records, bytes }) {
      deps.shipped(records);
      spool.released(bytes);
    },
  });
  const recorder = createRecorder({ spool, log, counted, onWritten: drain.wake }, { required });
  try {
    const opened = spool.append({
      kind: "log_opened",
      time: rfc3339(now()),
      policy_revision: policyRevision() ?? null,
    });
    if (opened !== "appended" || spool.write() !== "written")
      throw new Error("the decision log's spool cannot be written");
  } catch (error) {
    spool.close();
    throw error;
  }

  const stopping = new AbortController();
  const draining = drain.run("stopped", stopping.signal);

  return {
    boot,
    append: recorder.append,
    failing: recorder.failing,
    behind: drain.behind,
    bytes: () => spool.bytes,
    async end(signal) {
      stopping.abort();
      const closing = recorder.close(rfc3339(now()));
      const [isClosed] = await Promise.all([closing, draining]);
      await drain.run("empty", signal);
      const isShipped = spool.bytes === 0;
      spool.close();
      // NB: a log that is not closed stays even when all of it is shipped: the next start closes it, and needs the file for that.
      if (isShipped && isClosed) await removeShipped(folder, boot, { segment: 0, offset: 0 }, true);
    },
  };
}
