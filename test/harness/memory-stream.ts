/**
 * An event stream in memory that keeps the rules of platform/stream/port.ts: order per key, at least once, contiguous batches, a
 * handler that throws gets the same batch again, skipped and released partitions are asked for again. Tests decide what happens
 * to a publish: taken, lost, or taken with its acknowledgement lost.
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type {
  EventStream,
  OutgoingRecord,
  PublishOutcome,
  StreamRecord,
  Subscription,
} from "../../platform/stream/port.ts";

type Fate = "take" | "lose" | "lose_acknowledgement";

export interface MemoryBroker {
  createStream(): EventStream;
  /** All records of a topic, by partition and offset. */
  records(topic: string): readonly StreamRecord[];
  /** Writes past every stream, as somebody with access to the broker could. */
  append(record: OutgoingRecord): void;
  /** Removes all records and begins offsets anew, as a topic that was deleted and created again. */
  recreate(topic: string): void;
  /** Asked for every publish. */
  fate: (records: readonly OutgoingRecord[]) => Fate;
}

const POLL_MS = 3;

export function createMemoryBroker({ partitions = 1 }: { readonly partitions?: number } = {}): MemoryBroker {
  const topics = new Map<string, StreamRecord[][]>();
  let epoch = 0;

  function partitionsOf(topic: string): StreamRecord[][] {
    const known = topics.get(topic) ?? Array.from({ length: partitions }, () => []);
    topics.set(topic, known);
    return known;
  }

  function append({ topic, key, value, headers }: OutgoingRecord): void {
    const all = partitionsOf(topic);
    const partition = createHash("sha256").update(key).digest().readUInt32BE() % all.length;
    const log = all[partition] ?? [];
    log.push({
      topic,
      partition,
      offset: BigInt(log.length),
      key,
      value: value === null ? null : Buffer.from(value),
      headers: new Map([...(headers ?? [])].map(([name, text]) => [name, Buffer.from(text)])),
      timestampMs: 0,
    });
  }

  const broker: MemoryBroker = {
    fate: () => "take",
    append,
    records: (topic) => partitionsOf(topic).flat(),
    recreate(topic) {
      topics.delete(topic);
      epoch += 1;
    },
    createStream() {
      const stop = new AbortController();
      const positions = new Map<string, Map<number, bigint>>();
      const running: Promise<void>[] = [];

      async function read(subscription: Subscription, partition: number): Promise<void> {
        const { topic } = subscription;
        const own = positions.get(topic) ?? new Map<number, bigint>();
        positions.set(topic, own);
        let readEpoch = epoch;
        while (!stop.signal.aborted) {
          if (readEpoch !== epoch) own.delete(partition);
          readEpoch = epoch;
          const log = partitionsOf(topic)[partition] ?? [];
          const at = own.get(partition);
          try {
            if (at === undefined) {
              const from = await subscription.from(partition, { earliest: 0n, end: BigInt(log.length) });
              if (from !== "skip") own.set(partition, from);
            } else if (at < BigInt(log.length)) {
              const records = log.slice(Number(at));
              const nextOffset = at + BigInt(records.length);
              const outcome = await subscription.handle({ topic, partition, fromOffset: at, nextOffset, records });
              if (outcome === "release") own.delete(partition);
              else own.set(partition, nextOffset);
              continue;
            }
          } catch {
            // the same batch again, as the port says
          }
          await sleep(POLL_MS);
        }
      }

      const stream: EventStream = {
        async publish(records): Promise<PublishOutcome> {
          await sleep(0);
          const fate = broker.fate(records);
          if (fate !== "lose") for (const record of records) append(record);
          return fate === "take" ? { kind: "acked" } : { kind: "unknown", cause: new Error(fate) };
        },
        subscribe(subscription) {
          partitionsOf(subscription.topic).forEach((_log, partition) => {
            running.push(read(subscription, partition));
          });
        },
        endOffsets: async (topic) => new Map(partitionsOf(topic).map((log, at) => [at, BigInt(log.length)])),
        position: (topic) => positions.get(topic) ?? new Map(),
        async close() {
          stop.abort();
          await Promise.all(running);
        },
        [Symbol.asyncDispose]: () => stream.close(),
      };
      return stream;
    },
  };
  return broker;
}
