/** What an adapter brings so that it can be held against the contract, and what the contract's tests say and read with. */
import type { StreamConfig } from "../../../platform/stream/open-stream.ts";
import type { EventStream, OutgoingRecord, StreamRecord } from "../../../platform/stream/port.ts";
import { readToEnd } from "../../../platform/stream/read-to-end.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";

export interface StreamFixture extends AsyncDisposable {
  /** How another process reaches the same server. */
  readonly config: StreamConfig;
  /** A stream as another process would have it. */
  createStream(): EventStream;
  createTopic(options: { readonly partitions: number; readonly compact?: boolean }): Promise<string>;
  /** Makes the end of a compacted topic of one partition an offset without a record: the last records of it are gone, or were none. */
  emptyTail(topic: string): Promise<void>;
}

export const DEADLINE = { deadlineMs: 30_000 };

/** Publishes until acknowledged, as a relay does. */
export async function publishSurely(stream: EventStream, records: readonly OutgoingRecord[]): Promise<number> {
  let tries = 0;
  await waitUntil("an acknowledgement", 120_000, async () => {
    tries += 1;
    return (await stream.publish(records, { deadlineMs: 15_000 })).kind === "acked";
  });
  return tries;
}

export function record(topic: string, key: string, value: string): OutgoingRecord {
  return { topic, key, value: Buffer.from(value) };
}

/** Reads everything that stands in a topic now, from the start. */
export async function readAll(stream: EventStream, topic: string): Promise<StreamRecord[]> {
  const records: StreamRecord[] = [];
  const ends = await stream.endOffsets(topic, DEADLINE);
  stream.subscribe({
    topic,
    from: async (_partition, { earliest }) => earliest,
    async handle(batch) {
      records.push(...batch.records);
      return "continue";
    },
  });
  await readToEnd(stream, topic, ends, AbortSignal.timeout(90_000));
  return records;
}

export function valuesOf(records: readonly StreamRecord[]): (string | undefined)[] {
  return records.map(({ value }) => value?.toString());
}

/** Subscribes from the start of a topic of one partition; the list grows as records come. */
export function valuesReadBy(stream: EventStream, topic: string): readonly (string | undefined)[] {
  const values: (string | undefined)[] = [];
  stream.subscribe({
    topic,
    from: async () => 0n,
    async handle({ records }) {
      values.push(...valuesOf(records));
      return "continue";
    },
  });
  return values;
}
