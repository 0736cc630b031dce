import { hash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { OutgoingRecord } from "./port.ts";
import { keep, kept } from "./postgres-record.ts";

const MIB = 1024 * 1024;
const line = Buffer.from('{"decision":"allow","path":"/orders/42"}\n');
const lines = (bytes: number) => Buffer.alloc(bytes, line);
const record = (value: Buffer | null, headers?: OutgoingRecord["headers"]): OutgoingRecord => ({
  ...{ topic: "t", key: "k", value },
  ...(headers === undefined ? {} : { headers }),
});

test("a record is read as it was written, whatever its value and headers", () => {
  const value = fc.oneof(
    fc.constant(null),
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(fc.uint8Array({ maxLength: 64 }), fc.nat({ max: 70_000 }))
      .map(([bytes, length]) => Buffer.concat([bytes, lines(length)])),
  );
  const headers = fc.option(
    fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }))).map((pairs) => new Map(pairs)),
    { nil: undefined },
  );
  fc.assert(
    fc.property(value, headers, (one, named) => {
      const read = kept(keep(record(one, named)));
      expect(read.value?.toString("hex")).toBe(one?.toString("hex"));
      expect([...read.headers].map(([name, text]) => [name, text.toString()])).toEqual([...(named ?? [])]);
    }),
  );
});

test("a large value takes a fraction of its room, a small one and one that cannot be made smaller stand there as they are", () => {
  expect(keep(record(lines(64 * 1024))).value?.length).toBeLessThan(1_024);
  const noise = Buffer.concat(Array.from({ length: 1_000 }, (_, at) => hash("sha256", String(at), "buffer")));
  const packed = zstdCompressSync(Buffer.concat([noise, lines(MIB)]));
  for (const value of [lines(4_096), noise, packed]) expect(keep(record(value))).toEqual({ value, headers: null });
});

test("a value that the stream refuses as too large is not made small enough for it", () => {
  const value = Buffer.alloc(2 * MIB);
  expect(keep(record(value)).value).toBe(value);
});

test.each([
  ["no zstd", Buffer.from("no zstd")],
  ["more than a megabyte", zstdCompressSync(Buffer.alloc(64 * MIB))],
])(
  "what says that it is compressed and holds %s is handed over as it stands, for its reader to set aside",
  (_what, value) => {
    expect(kept({ value, headers: '{"zstd":[["cs-kid","cGRw"]]}' })).toEqual({
      value,
      headers: new Map([["cs-kid", Buffer.from("pdp")]]),
    });
  },
);

test.each([
  '{"gzip":[]}',
  '{"zstd":{}}',
  '{"zstd":[["cs-kid","cGRw"],["name"]]}',
  '[["name"]]',
  '"text"',
  "[1]",
  "null",
])("a record with headers %s is handed over without any, for its reader to set aside", (headers) => {
  expect(kept({ value: lines(1), headers })).toEqual({ value: lines(1), headers: new Map() });
});
