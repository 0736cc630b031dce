/**
 * The event stream on Apache Kafka: puts together producer, partition readers and watchdog behind the port. No consumer group is used
 * (kafka-connection.ts says why), so a principal needs only Describe, Read and Write on its topics.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../clock.ts";
import type { Log } from "../log/log.ts";
import { type KafkaConnection, openKafkaConnection } from "./kafka-connection.ts";
import { type PartitionReader, startPartitionReader } from "./kafka-partition.ts";
import { createKafkaProducer } from "./kafka-producer.ts";
import type { KafkaSettings } from "./kafka-settings.ts";
import { createWatchdog } from "./kafka-watchdog.ts";
import type { EventStream, Subscription } from "./port.ts";

export interface KafkaStreamOptions {
  readonly connection: KafkaSettings;
  /** Default 30 s: time without progress until a reader's connection is made anew, and again until `onFatal`. */
  readonly stallMs?: number;
  /** Default 500 ms: how long the broker may hold a fetch. Longer is quieter, not slower. */
  readonly maxWaitMs?: number;
  /** Default 1 s. */
  readonly reassignMs?: number;
  /** Default 30 s: how soon partitions added to a topic are seen. */
  readonly discoverMs?: number;
}

export interface KafkaStreamDeps {
  readonly log: Log;
  /** The stream cannot repair itself; main.ts ends the process. */
  readonly onFatal: (error: Error) => void;
  /** Counts connections made anew by the watchdog. */
  readonly onRecreated?: (topic: string) => void;
}

interface Reading {
  readonly readers: Map<number, PartitionReader>;
  readonly done: Promise<unknown>;
}

/** Creates the stream; connecting goes on in the background and is retried for ever. */
export function createKafkaStream(
  { log, onFatal, onRecreated }: KafkaStreamDeps,
  options: KafkaStreamOptions,
): EventStream {
  const { connection: settings, stallMs = 30_000, maxWaitMs = 500, reassignMs = 1_000, discoverMs = 30_000 } = options;
  const producer = createKafkaProducer({ log }, settings);
  const stop = new AbortController();
  const readings = new Map<string, Reading>();
  const connect = () => openKafkaConnection({ log }, settings);
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
    while (!stop.signal.aborted) {
      try {
        for (const partition of await once(connect, 10_000, (connected) => connected.partitions(subscription.topic))) {
          if (readers.has(partition) || stop.signal.aborted) continue;
          const deps = { connect, log, stop: stop.signal };
          readers.set(partition, startPartitionReader(deps, subscription, { partition, maxWaitMs, reassignMs }));
        }
      } catch (error) {
        log.warn({ err: error, topic: subscription.topic }, "partitions not known");
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
    await producer.close();
  }

  const stream: EventStream = {
    publish: producer.publish,
    subscribe(subscription) {
      const { topic } = subscription;
      if (stop.signal.aborted) throw new Error("stream is closed");
      if (readings.has(topic)) throw new Error(`${topic} is being read already; one subscription per topic`);
      const readers = new Map<number, PartitionReader>();
      readings.set(topic, { readers, done: Promise.all([discover(subscription, readers), watch(topic, readers)]) });
    },
    seek(topic, partition, offset) {
      const reader = readings.get(topic)?.readers.get(partition);
      if (reader?.position === undefined) throw new Error(`${topic}/${partition} is not being read`);
      reader.seek(offset);
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
  connect: () => Promise<KafkaConnection>,
  deadlineMs: number,
  ask: (connection: KafkaConnection) => Promise<T>,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer from kafka in ${deadlineMs} ms`)), deadlineMs);
  const opening = connect();
  try {
    const connection = await Promise.race([opening, late.promise]);
    return await Promise.race([ask(connection), late.promise]);
  } finally {
    clearTimeout(timer);
    opening.then(
      (connection) => connection.destroy(new Error("answered")),
      () => {},
    );
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}
