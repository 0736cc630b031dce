/**
 * Combines what an adapter provides (a publisher, and connections for reading) with what all adapters share (partition readers, discovery of
 * partitions, watchdog) behind the port.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../clock.ts";
import type { Log } from "../log/log.ts";
import { within } from "../within.ts";
import type { StreamConnection } from "./connection.ts";
import { type PartitionReader, startPartitionReader } from "./partition-reader.ts";
import type { EventStream, Subscription } from "./port.ts";
import { createStateLog } from "./state-log.ts";
import { createWatchdog } from "./watchdog.ts";

/** What differs between adapters. */
interface StreamParts {
  /** A fresh connection each time. */
  readonly connect: () => Promise<StreamConnection>;
  readonly publisher: Pick<EventStream, "publish" | "close">;
}

export interface StreamDeps {
  readonly log: Log;
  /** The stream cannot repair itself; main.ts ends the process. */
  readonly onFatal: (error: Error) => void;
  /** Counts connections made anew by the watchdog. */
  readonly onRecreated?: (topic: string) => void;
}

export interface ReadingOptions {
  /** Default 30 s: time without progress until a reader's connection is made anew, and again until `onFatal`. */
  readonly stallMs?: number;
  /** How long a fetch may wait for records. Longer is quieter, not slower. */
  readonly maxWaitMs: number;
  /** Default 1 s: pause before a skipped or released partition is asked for again. */
  readonly reassignMs?: number;
  /** Default 30 s: how soon partitions added to a topic are seen. */
  readonly discoverMs?: number;
}

interface Reading {
  readonly readers: Map<number, PartitionReader>;
  readonly done: Promise<unknown>;
}

/** Connecting goes on in the background and is retried for ever. */
export function assembleStream(
  { connect, publisher }: StreamParts,
  { log, onFatal, onRecreated }: StreamDeps,
  { stallMs = 30_000, maxWaitMs, reassignMs = 1_000, discoverMs = 30_000 }: ReadingOptions,
): EventStream {
  const stop = new AbortController();
  const readings = new Map<string, Reading>();
  const watchdog = createWatchdog(
    {
      endOffsets: (topic) => endOffsets(topic, Math.max(1_000, stallMs / 3)),
      monotonicMs: systemClock.monotonicMs,
      log,
      onRecreated: onRecreated ?? (() => {}),
      onFatal,
    },
    { stallMs },
  );

  async function endOffsets(topic: string, deadlineMs: number): Promise<ReadonlyMap<number, bigint>> {
    return once(connect, deadlineMs, async (connected) => {
      const partitions = await connected.partitions(topic);
      const ranges = await Promise.all(partitions.map((partition) => connected.range(topic, partition)));
      return new Map(partitions.map((partition, at) => [partition, ranges[at]?.end ?? 0n]));
    });
  }

  /** Finds partitions, now and later, and keeps a reader on each. */
  async function discover(subscription: Subscription, readers: Map<number, PartitionReader>): Promise<void> {
    const state = createStateLog(log, `looking for the partitions of ${subscription.topic}`);
    while (!stop.signal.aborted) {
      try {
        const partitions = await once(connect, 10_000, (connected) => connected.partitions(subscription.topic));
        state.worked();
        for (const partition of partitions) {
          if (readers.has(partition) || stop.signal.aborted) continue;
          const deps = { connect, log, stop: stop.signal };
          readers.set(partition, startPartitionReader(deps, subscription, { partition, maxWaitMs, reassignMs }));
        }
      } catch (error) {
        if (!stop.signal.aborted) state.failed(error);
      }
      await pause(readers.size === 0 ? Math.min(500, discoverMs) : discoverMs, stop.signal);
    }
    await Promise.all([...readers.values()].map(({ done }) => done));
  }

  async function watch(topic: string, readers: ReadonlyMap<number, PartitionReader>): Promise<void> {
    while (!stop.signal.aborted) {
      await pause(stallMs / 5, stop.signal);
      if (!stop.signal.aborted && readers.size > 0) await watchdog.check(topic, readers);
    }
  }

  let closing: Promise<void> | undefined;
  async function close(): Promise<void> {
    stop.abort();
    await Promise.all([...readings.values()].map(({ done }) => done));
    await publisher.close();
  }

  const stream: EventStream = {
    publish: publisher.publish,
    subscribe(subscription) {
      const { topic } = subscription;
      if (stop.signal.aborted) throw new Error("stream is closed");
      if (readings.has(topic)) throw new Error(`${topic} is being read already; one subscription per topic`);
      const readers = new Map<number, PartitionReader>();
      readings.set(topic, { readers, done: Promise.all([discover(subscription, readers), watch(topic, readers)]) });
    },
    endOffsets: (topic, { deadlineMs }) => endOffsets(topic, deadlineMs),
    position(topic) {
      const positions = new Map<number, bigint>();
      for (const [partition, { position }] of readings.get(topic)?.readers ?? []) {
        if (position !== undefined) positions.set(partition, position);
      }
      return positions;
    },
    close() {
      closing ??= close();
      return closing;
    },
    [Symbol.asyncDispose]: () => stream.close(),
  };
  return stream;
}

/** Asks one question over a connection of its own. A deadline that passes destroys the connection, which rejects what waits on it. */
async function once<T>(
  connect: () => Promise<StreamConnection>,
  deadlineMs: number,
  ask: (connection: StreamConnection) => Promise<T>,
): Promise<T> {
  const opening = connect();
  try {
    return await within(deadlineMs, opening.then(ask));
  } finally {
    opening.then(
      (connection) => connection.destroy(new Error("answered")),
      () => {},
    );
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}
