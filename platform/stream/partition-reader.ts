/**
 * Reads one partition for its subscription, with any adapter: asks where to start, fetches, hands over, and moves the position only after the
 * handler has resolved. Each partition has a connection of its own, because a server answers one request per connection at a time, and a waiting
 * fetch would hold up its neighbours. Any fault drops the connection and starts again from the position.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Backoff, createBackoff } from "../backoff.ts";
import type { Log } from "../log/log.ts";
import type { StreamConnection } from "./connection.ts";
import type { StreamBatch, Subscription } from "./port.ts";
import { createStateLog } from "./state-log.ts";

export interface PartitionReader {
  /** Next offset to be handled; undefined while the partition is not being read. */
  readonly position: bigint | undefined;
  /** True while the handler works or waits to be tried again: then no progress is nobody's fault here. */
  readonly handling: boolean;
  /** Drops the connection; reading goes on with a new one. */
  recreate(reason: Error): void;
  /** Resolves when reading has ended after the stop signal. */
  readonly done: Promise<void>;
}

interface PartitionReaderOptions {
  readonly partition: number;
  /** How long a fetch may wait for records. */
  readonly maxWaitMs: number;
  /** Pause before a skipped or released partition is asked for again. */
  readonly reassignMs: number;
}

/** Starts reading at once. `connect` makes a fresh connection each time. */
export function startPartitionReader(
  { connect, log: parentLog, stop }: { connect: () => Promise<StreamConnection>; log: Log; stop: AbortSignal },
  subscription: Subscription,
  { partition, maxWaitMs, reassignMs }: PartitionReaderOptions,
): PartitionReader {
  const { topic } = subscription;
  const log = parentLog.child({ topic, partition });
  const state = createStateLog(log, `reading ${topic}/${partition}`);
  let position: bigint | undefined;
  /** Where the last batch that was handed over ended: what the owner has stored. Behind `position` when only empty offsets followed. */
  let handled: bigint | undefined;
  let handling = false;
  let connection: StreamConnection | undefined;

  function moveTo(offset: bigint | undefined): void {
    position = offset;
    handled = offset;
  }

  /** Asks the owner where to read from; false when it is not ours now. */
  async function take(connected: StreamConnection): Promise<boolean> {
    const range = await connected.range(topic, partition);
    const answer = await subscription.from(partition, range);
    if (answer === "skip") return false;
    if (answer < range.earliest || answer > range.end) {
      throw new Error(
        `offset ${answer} lies outside ${range.earliest}..${range.end}: its records are gone, or the topic is another one`,
      );
    }
    moveTo(answer);
    log.info({ event: "partition_taken", offset: answer.toString(), end: range.end.toString() }, "partition taken");
    return true;
  }

  /** Hands a batch over until it is handled. Returns false when the owner let the partition go. */
  async function deliver(batch: StreamBatch, backoff: Backoff): Promise<boolean> {
    handling = true;
    try {
      while (!stop.aborted) {
        try {
          const outcome = await subscription.handle(batch);
          if (outcome === "release") {
            log.info({ event: "partition_released" }, "partition released");
            moveTo(undefined);
            return false;
          }
          moveTo(batch.nextOffset);
          return true;
        } catch (error) {
          log.error(
            { event: "batch_not_handled", err: error, offset: batch.fromOffset.toString() },
            "a batch could not be handled and is tried again; its partition waits",
          );
          await backoff.wait(stop).catch(() => {});
        }
      }
      return true;
    } finally {
      handling = false;
    }
  }

  /** Reads with one connection until the partition is not ours (returns), or a fault (throws). */
  async function read(connected: StreamConnection, onProgress: () => void): Promise<void> {
    while (!stop.aborted) {
      if (position === undefined && !(await take(connected))) return;
      const offset = position;
      if (offset === undefined) return;
      const fetched = await connected.fetch(topic, partition, offset, maxWaitMs);
      if (fetched.kind === "out_of_range") {
        log.error(
          { event: "offset_out_of_range", offset: offset.toString() },
          "the stored offset is outside the topic; reading the start position again (were records deleted, or the topic created again?)",
        );
        moveTo(undefined);
        return;
      }
      onProgress();
      if (fetched.records.length === 0) {
        position = fetched.nextOffset;
        continue;
      }
      const { records, nextOffset } = fetched;
      const batch = { topic, partition, fromOffset: handled ?? offset, nextOffset, records };
      if (!(await deliver(batch, createBackoff({ firstMs: 100, maxMs: 10_000 })))) return;
    }
  }

  async function run(): Promise<void> {
    const backoff = createBackoff({ firstMs: 50, maxMs: 2_000 });
    while (!stop.aborted) {
      try {
        connection = await connect();
        while (!stop.aborted) {
          await read(connection, () => {
            backoff.reset();
            state.worked();
          });
          await sleep(reassignMs, undefined, { signal: stop });
        }
      } catch (error) {
        if (!stop.aborted) state.failed(error);
      }
      connection?.destroy(new Error("reading interrupted"));
      connection = undefined;
      await backoff.wait(stop).catch(() => {});
    }
  }

  const endWait = () => connection?.destroy(new Error("stream is closed"));
  stop.addEventListener("abort", endWait, { once: true });
  return {
    get position() {
      return position;
    },
    get handling() {
      return handling;
    },
    recreate: (reason) => connection?.destroy(reason),
    done: run(),
  };
}
