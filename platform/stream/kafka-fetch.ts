/**
 * Reads the response to a Fetch request (version 11) of one partition. Written here instead of taken from kafkajs, which drops two things that we
 * need: where a batch *ends* (a compacted topic keeps batches without records, and kafkajs's consumer then waits for ever), and whether a batch
 * arrived as it was written (CRC-32C). The contents of a batch: kafka-records.ts.
 */
import crc32C from "kafkajs/src/protocol/recordBatch/crc32C/index.js";
import { decodeRecords, LAST_OFFSET_DELTA_AT } from "./kafka-records.ts";
import type { StreamRecord } from "./port.ts";

export interface Fetched {
  /** Kafka's error code of the partition; 0 is none, 1 is "offset out of range". */
  readonly errorCode: number;
  readonly records: readonly StreamRecord[];
  /** Where to go on: behind the last whole batch, or at the high watermark when nothing is stored up to it. */
  readonly nextOffset: bigint;
}

/** Bytes before the length of a batch counts; and of a whole header (protocol guide, "Record Batch"). */
const LENGTH_ENDS_AT = 12;
const HEADER_BYTES = 61;
const CRC_AT = 17;
const CRC_COVERS_FROM = 21;
const MAGIC_AT = 16;

/** Decodes the payload for a request of one topic and one partition from `fetchOffset`. Throws on anything that is not well-formed. */
export async function decodeFetched(payload: Buffer, fetchOffset: bigint): Promise<Fetched> {
  let at = 4; // throttle time: the broker has already waited
  const take = (bytes: number) => {
    const from = at;
    at += bytes;
    return from;
  };
  const errorCode = payload.readInt16BE(take(2));
  take(4); // session
  const topics = payload.readInt32BE(take(4));
  if (errorCode !== 0 || topics === 0) return { errorCode, records: [], nextOffset: fetchOffset };
  const topicBytes = payload.readInt16BE(take(2));
  const topic = payload.toString("utf8", at, at + topicBytes);
  take(topicBytes);
  if (payload.readInt32BE(take(4)) !== 1) throw new Error("fetch answer: not one partition");
  const partition = payload.readInt32BE(take(4));
  const partitionError = payload.readInt16BE(take(2));
  const highWatermark = payload.readBigInt64BE(take(8));
  take(16); // last stable offset, log start offset
  take(Math.max(0, payload.readInt32BE(take(4))) * 16); // aborted transactions: we read uncommitted, and write none
  take(4); // preferred replica
  const size = payload.readInt32BE(take(4));
  if (partitionError !== 0) return { errorCode: partitionError, records: [], nextOffset: fetchOffset };
  // KIP-74: a partition fetched alone gets at least one batch if there is any. So nothing means nothing up to the watermark.
  if (size <= 0) return { errorCode: 0, records: [], nextOffset: max(fetchOffset, highWatermark) };
  return { errorCode: 0, ...(await decodeBatches(payload.subarray(at, at + size), { topic, partition, fetchOffset })) };
}

async function decodeBatches(
  bytes: Buffer,
  { topic, partition, fetchOffset }: { topic: string; partition: number; fetchOffset: bigint },
): Promise<{ records: StreamRecord[]; nextOffset: bigint }> {
  const records: StreamRecord[] = [];
  let nextOffset = fetchOffset;
  let at = 0;
  while (bytes.length - at >= HEADER_BYTES) {
    const length = LENGTH_ENDS_AT + bytes.readInt32BE(at + 8);
    if (bytes.length - at < length) break; // the answer is cut at its maximum; the rest comes with the next one
    const batch = bytes.subarray(at, at + length);
    at += length;
    if (batch.readInt8(MAGIC_AT) !== 2) throw new Error(`${topic}/${partition}: record format before Kafka 0.11`);
    if (crc32C(batch.subarray(CRC_COVERS_FROM)) !== batch.readUInt32BE(CRC_AT)) {
      throw new Error(`${topic}/${partition}: a batch at ${batch.readBigInt64BE(0)} is damaged (CRC)`);
    }
    nextOffset = max(nextOffset, batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(LAST_OFFSET_DELTA_AT)) + 1n);
    // A batch is returned whole, also when the asked-for offset lies in its middle.
    for (const record of await decodeRecords(batch)) {
      if (record.offset >= fetchOffset) records.push({ topic, partition, ...record });
    }
  }
  return { records, nextOffset };
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
