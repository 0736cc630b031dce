/** Batches as a writer may make them that nobody trusts. What real ones read as, the contract of streams shows on a broker. */
import { gzipSync, zstdCompressSync } from "node:zlib";
import { expect, test } from "@jest/globals";
import { decodeRecords } from "./kafka-records.ts";

const FIRST_OFFSET = 1_000n;
const FIRST_MS = 1_795_478_400_000n;

function varint(value: number): Buffer {
  let bits = value < 0 ? -2 * value - 1 : 2 * value;
  const bytes: number[] = [];
  for (; bits >= 128; bits = Math.floor(bits / 128)) bytes.push((bits % 128) + 128);
  return Buffer.from([...bytes, bits]);
}

const data = (value: string | Buffer | null) =>
  value === null ? varint(-1) : Buffer.concat([varint(Buffer.byteLength(value)), Buffer.from(value)]);

type Written = {
  readonly key?: string | null;
  readonly value?: string | Buffer | null;
  readonly headers?: readonly (readonly [string, string | null])[];
};

function record({ key = "k", value = "v", headers = [] }: Written, index: number): Buffer {
  const body = Buffer.concat([
    ...[Buffer.from([0]), varint(index * 5), varint(index), data(key), data(value), varint(headers.length)],
    ...headers.flatMap(([name, one]) => [data(name), data(one)]),
  ]);
  return Buffer.concat([varint(body.length), body]);
}

function batch(records: Buffer, { attributes = 0, count = 1 } = {}): Buffer {
  const head = Buffer.alloc(61);
  head.writeBigInt64BE(FIRST_OFFSET, 0);
  head.writeInt8(2, 16);
  head.writeInt16BE(attributes, 21);
  head.writeInt32BE(count - 1, 23);
  head.writeBigInt64BE(FIRST_MS, 27);
  head.writeBigInt64BE(FIRST_MS + 60_000n, 35);
  head.writeInt32BE(count, 57);
  return Buffer.concat([head, records]);
}

const two = Buffer.concat([record({}, 0), record({ key: null, value: null }, 1)]);
const unreadable = { offset: FIRST_OFFSET + 1n, key: null, headers: new Map() };

test.each([
  ["lz4, for which there is no codec", two, 3],
  ["snappy, for which there is no codec", two, 2],
  ["a codec that nobody knows", two, 7],
  ["what is not packed as it says", two, 1],
  ["a megabyte that would be a gigabyte", gzipSync(Buffer.alloc(256 * 1024 * 1024)), 1],
  ["the same by zstd", zstdCompressSync(Buffer.alloc(64 * 1024 * 1024)), 4],
  ["nothing", Buffer.alloc(0), 0],
  ["a record that is cut", two.subarray(0, -1), 0],
  ["a record longer than it says", Buffer.concat([Buffer.from([4]), two.subarray(1)]), 0],
  ["a number that does not end", Buffer.alloc(64, 0xff), 0],
  ["more headers than bytes", Buffer.concat([varint(1_000_000), two.subarray(1)]), 0],
])("a batch of %s is one record without headers, at its end", async (_, records, attributes) => {
  const read = await decodeRecords(batch(records, { attributes, count: 2 }));
  expect(read).toEqual([{ ...unreadable, value: expect.any(Buffer), timestampMs: Number(FIRST_MS) + 60_000 }]);
  expect(read[0]?.value?.length).toBeLessThanOrEqual(records.length);
});

test("a record with more headers than any of ours has none, and costs their size and not its square", async () => {
  const headers = (count: number) => Array.from({ length: count }, (_, at) => [`h${at}`, "x"] as const);
  const begun = performance.now();
  const [read] = await decodeRecords(batch(record({ headers: headers(100_000) }, 0)));
  expect(performance.now() - begun).toBeLessThan(5_000);
  expect(read).toMatchObject({ key: "k", value: Buffer.from("v"), headers: new Map() });
  const [known] = await decodeRecords(batch(record({ headers: headers(64) }, 0)));
  expect(known?.headers.size).toBe(64);
});

test.each([
  ["plain", two, 0],
  ["gzip", gzipSync(two), 1],
  ["zstd", zstdCompressSync(two), 4],
])("what is in a batch is read (%s)", async (_, records, attributes) => {
  const read = await decodeRecords(batch(records, { attributes, count: 2 }));
  expect(read).toEqual([
    { offset: 1_000n, key: "k", value: Buffer.from("v"), headers: new Map(), timestampMs: Number(FIRST_MS) },
    { offset: 1_001n, key: null, value: null, headers: new Map(), timestampMs: Number(FIRST_MS) + 5 },
  ]);
});

test("of a header that is repeated the last value counts, and one without a value says nothing", async () => {
  const headers = [
    ["a", "1"],
    ["b", null],
    ["a", "2"],
  ] as const;
  const [read] = await decodeRecords(batch(record({ headers }, 0)));
  expect(read?.headers).toEqual(new Map([["a", Buffer.from("2")]]));
});

test("the broker's time counts where the topic says so, and a control batch holds nothing", async () => {
  const [read] = await decodeRecords(batch(record({}, 0), { attributes: 0x08 }));
  expect(read?.timestampMs).toBe(Number(FIRST_MS) + 60_000);
  expect(await decodeRecords(batch(record({}, 0), { attributes: 0x20 }))).toEqual([]);
});
