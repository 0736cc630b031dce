/**
 * One connection to a Kafka cluster for reading, by the fetch of @platformatic/kafka and without its consumer group, for the reasons that
 * kafka-connection.ts gives. NB: this client does not check the CRC of what it reads.
 */
import { Consumer, FetchIsolationLevels, ListOffsetTimestamps, type RecordsBatch } from "@platformatic/kafka";
import type { FetchOutcome, StreamConnection } from "./connection.ts";
import type { KafkaSettings } from "./kafka-settings.ts";
import { baseOptions, breakConnections, reach } from "./platformatic-settings.ts";
import type { StreamRecord } from "./port.ts";

/** A batch may be larger; it then comes alone. Several records of 64 KiB fit. */
const MAX_FETCH_BYTES = 4 * 1024 * 1024;
/** Kafka's error code for an offset without a record, not yet or not any more. */
const OFFSET_OUT_OF_RANGE = 1;
/** Attribute of batches that hold commit and abort markers of transactions, which take an offset and are no records. */
const IS_CONTROL = 1 << 5;

export async function openPlatformaticConnection(settings: KafkaSettings): Promise<StreamConnection> {
  const consumer = new Consumer({
    ...baseOptions(settings),
    groupId: settings.clientId, // has to be named; no group is ever joined
    isolationLevel: FetchIsolationLevels.READ_UNCOMMITTED,
  });
  try {
    await reach(consumer);
  } catch (error) {
    breakConnections(consumer);
    throw error;
  }

  async function describe(topic: string) {
    const found = (await consumer.metadata({ topics: [topic] })).topics.get(topic);
    if (found === undefined || found.partitionsCount === 0) throw new Error(`topic ${topic} does not exist`);
    return found;
  }

  async function offsetAt(topic: string, partition: number, timestamp: bigint): Promise<bigint> {
    const found = await consumer.listOffsets({ topics: [topic], partitions: { [topic]: [partition] }, timestamp });
    const offset = found.get(topic)?.[partition];
    if (offset === undefined) throw new Error(`${topic}/${partition}: offsets not available`);
    return offset;
  }

  return {
    async partitions(topic) {
      return (await describe(topic)).partitions.map((_, partition) => partition);
    },
    async range(topic, partition) {
      return {
        earliest: await offsetAt(topic, partition, ListOffsetTimestamps.EARLIEST),
        end: await offsetAt(topic, partition, ListOffsetTimestamps.LATEST),
      };
    },
    async fetch(topic, partition, offset, maxWaitMs) {
      const { id, partitions } = await describe(topic);
      const leader = partitions[partition]?.leader;
      if (leader === undefined) throw new Error(`${topic} has no partition ${partition}`);
      const wanted = {
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: offset,
        lastFetchedEpoch: -1,
        partitionMaxBytes: MAX_FETCH_BYTES,
      };
      try {
        const { responses } = await consumer.fetch({
          node: leader,
          maxWaitTime: maxWaitMs,
          minBytes: 1,
          maxBytes: MAX_FETCH_BYTES,
          topics: [{ topicId: id, partitions: [wanted] }],
        });
        const answer = responses.flatMap((one) => one.partitions).find((one) => one.partitionIndex === partition);
        // An answer without the partition: nothing has changed since the last one of this connection.
        if (answer === undefined) return { kind: "fetched", records: [], nextOffset: offset };
        return take(answer.records ?? [], { topic, partition, offset, end: answer.highWatermark });
      } catch (error) {
        if (isOutOfRange(error)) return { kind: "out_of_range" };
        throw error;
      }
    },
    destroy: () => breakConnections(consumer),
  };
}

function take(
  batches: readonly RecordsBatch[],
  { topic, partition, offset, end }: { topic: string; partition: number; offset: bigint; end: bigint },
): FetchOutcome {
  // KIP-74: a partition fetched alone gets at least one batch if there is any. So nothing means nothing up to the watermark.
  if (batches.length === 0) return { kind: "fetched", records: [], nextOffset: end > offset ? end : offset };
  const records: StreamRecord[] = [];
  let nextOffset = offset;
  for (const batch of batches) {
    const behind = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
    if (behind > nextOffset) nextOffset = behind;
    if ((batch.attributes & IS_CONTROL) !== 0) continue;
    for (const { offsetDelta, timestampDelta, key, value, headers } of batch.records) {
      const at = batch.firstOffset + BigInt(offsetDelta);
      if (at < offset) continue; // a batch is returned whole, also when the asked-for offset lies in its middle
      records.push({
        topic,
        partition,
        offset: at,
        key: key === null ? null : key.toString("utf8"),
        value,
        headers: new Map(headers.flatMap(([name, text]) => (name && text ? [[name.toString("utf8"), text]] : []))),
        timestampMs: Number(batch.firstTimestamp + timestampDelta),
      });
    }
  }
  return { kind: "fetched", records, nextOffset };
}

/** The error code of a partition lies in an error inside the error of the request. */
function isOutOfRange(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  if ("apiCode" in error && error.apiCode === OFFSET_OUT_OF_RANGE) return true;
  return "errors" in error && Array.isArray(error.errors) && error.errors.some(isOutOfRange);
}
