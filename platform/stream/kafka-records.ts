/**
 * The records of one whole batch (protocol guide, "Record Batch", magic 2). Written here instead of taken from kafkajs, because anybody who may
 * write to a topic writes what is read here, before any signature is checked: its decoder copies all headers for each record, decompresses
 * without a limit, and throws if it lacks a codec, so that a reader would come back to the same batch for ever. A batch that cannot be
 * decompressed or read is one record without headers, in which no envelope can be found: consumers quarantine it and go on.
 */
import { promisify } from "node:util";
import { gunzip, zstdDecompress } from "node:zlib";
import type { StreamRecord } from "./port.ts";

type KafkaRecord = Omit<StreamRecord, "topic" | "partition">;

const ATTRIBUTES_AT = 21;
export const LAST_OFFSET_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const COUNT_AT = 57;
const RECORDS_AT = 61;

const CODEC = 0x07;
const LOG_APPEND_TIME = 0x08;
const CONTROL = 0x20;

/** Far above what a batch of records of at most 64 KiB comes to. */
const UNPACKED = { maxOutputLength: 16 * 1024 * 1024 };
/** Envelopes have a handful; a record with more is given none. */
const MOST_HEADERS = 64;
const NONE: ReadonlyMap<string, Buffer> = new Map();

const unpackers: ReadonlyMap<number, (packed: Buffer) => Promise<Buffer>> = new Map([
  [0, async (plain: Buffer) => plain],
  [1, (packed: Buffer) => promisify(gunzip)(packed, UNPACKED)],
  [4, (packed: Buffer) => promisify(zstdDecompress)(packed, UNPACKED)],
]);

/** Never rejects: `batch` is whole and its checksum right. Control batches hold no records of anybody. */
export async function decodeRecords(batch: Buffer): Promise<readonly KafkaRecord[]> {
  const attributes = batch.readInt16BE(ATTRIBUTES_AT);
  if ((attributes & CONTROL) !== 0) return [];
  const packed = batch.subarray(RECORDS_AT);
  try {
    const unpack = unpackers.get(attributes & CODEC);
    if (unpack === undefined) return [unreadable(batch, packed)];
    return new Reader(await unpack(packed)).records(batch, attributes);
  } catch {
    return [unreadable(batch, packed)];
  }
}

/** In the place of all, at the offset of the last. */
function unreadable(batch: Buffer, value: Buffer): KafkaRecord {
  const offset = batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(LAST_OFFSET_DELTA_AT));
  return { offset, key: null, value, headers: NONE, timestampMs: Number(batch.readBigInt64BE(MAX_TIMESTAMP_AT)) };
}

/** @throws RangeError where what is said does not fit into what is there. */
class Reader {
  #at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  records(batch: Buffer, attributes: number): readonly KafkaRecord[] {
    const firstOffset = batch.readBigInt64BE(0);
    const firstTimestamp = Number(batch.readBigInt64BE(BASE_TIMESTAMP_AT));
    const appended = (attributes & LOG_APPEND_TIME) !== 0 ? Number(batch.readBigInt64BE(MAX_TIMESTAMP_AT)) : undefined;
    const count = batch.readInt32BE(COUNT_AT);
    const records: KafkaRecord[] = [];
    for (let index = 0; index < count; index += 1) {
      const end = this.#length() + this.#at;
      this.#at += 1; // attributes, unused
      const timestamp = firstTimestamp + this.#varint();
      const offset = firstOffset + BigInt(this.#varint());
      const key = this.#text();
      const value = this.#data();
      const headers = this.#headers();
      if (this.#at !== end) throw new RangeError("a record is not as long as it says");
      records.push({ offset, key, value, headers, timestampMs: appended ?? timestamp });
    }
    return records;
  }

  /** The last value of each name; one without a value says nothing. */
  #headers(): ReadonlyMap<string, Buffer> {
    const count = this.#length();
    const headers = new Map<string, Buffer>();
    for (let index = 0; index < count; index += 1) {
      const name = this.#text();
      const value = this.#data();
      if (name !== null && value !== null && count <= MOST_HEADERS) headers.set(name, value);
    }
    return headers;
  }

  #text(): string | null {
    return this.#data()?.toString("utf8") ?? null;
  }

  /** null where the length is -1. */
  #data(): Buffer | null {
    const length = this.#varint();
    if (length === -1) return null;
    return this.#take(length);
  }

  #take(length: number): Buffer {
    const from = this.#at;
    if (length < 0 || from + length > this.#bytes.length) throw new RangeError("longer than what is there");
    this.#at += length;
    return this.#bytes.subarray(from, this.#at);
  }

  /** Of what follows, each of which takes a byte at least. */
  #length(): number {
    const length = this.#varint();
    if (length < 0 || this.#at + length > this.#bytes.length) throw new RangeError("longer than what is there");
    return length;
  }

  /** Of at most ten bytes, zigzag. NB: exact up to 53 bits, which is all but for times that nobody means. */
  #varint(): number {
    let bits = 0;
    for (let factor = 1; factor <= 128 ** 9; factor *= 128) {
      const byte = this.#bytes.readUInt8(this.#at);
      this.#at += 1;
      bits += (byte & 0x7f) * factor;
      if (byte < 0x80) return bits % 2 === 0 ? bits / 2 : -(bits + 1) / 2;
    }
    throw new RangeError("a number does not end");
  }
}
