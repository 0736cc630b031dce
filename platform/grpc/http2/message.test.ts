import { status } from "@grpc/grpc-js";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { createMessageReader, framed, PREFIX_BYTES } from "./message.ts";

const MAX = 1_000;

/** Fed to a reader in these parts, as far as it takes them. */
function read(parts: readonly Uint8Array[], maxBytes = MAX) {
  const reader = createMessageReader(maxBytes);
  for (const part of parts) {
    const refusal = reader.take(Buffer.from(part));
    if (refusal !== undefined) return refusal;
  }
  return reader.end();
}

function claiming(length: number, { flag = 0, held = 0 } = {}): Buffer {
  const bytes = Buffer.alloc(PREFIX_BYTES + held);
  bytes[0] = flag;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

test.each<[string, Buffer, status]>([
  ["nothing", Buffer.alloc(0), status.UNIMPLEMENTED],
  ["half a prefix", Buffer.alloc(3), status.UNIMPLEMENTED],
  ["a message that ends before its length", claiming(10, { held: 9 }), status.UNIMPLEMENTED],
  ["a byte behind the message", claiming(10, { held: 11 }), status.UNIMPLEMENTED],
  ["two messages", Buffer.concat([framed(Buffer.from("a")), framed(Buffer.from("b"))]), status.UNIMPLEMENTED],
  ["one byte more than may be", claiming(MAX + 1, { held: MAX + 1 }), status.RESOURCE_EXHAUSTED],
  ["a claim of 4 GiB", claiming(0xffff_ffff), status.RESOURCE_EXHAUSTED],
  ["a flag that is none", claiming(1, { flag: 2, held: 1 }), status.INTERNAL],
])("%s is refused", (_what, bytes, code) => {
  expect(read([bytes])).toMatchObject({ code });
});

test("a message that is too large is refused at its prefix, before any of it arrives", () => {
  const reader = createMessageReader(MAX);
  const prefix = claiming(MAX + 1);
  expect(reader.take(prefix.subarray(0, PREFIX_BYTES - 1))).toBeUndefined();
  expect(reader.take(prefix.subarray(PREFIX_BYTES - 1))).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
});

test("wherever the bytes are cut, the message comes out as it went in", () => {
  const cuts = fc.array(fc.nat({ max: MAX }), { maxLength: 40 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: MAX }), cuts, fc.boolean(), (message, at, isCompressed) => {
      const whole = framed(message);
      if (isCompressed) whole[0] = 1;
      const edges = [0, ...at.filter((cut) => cut <= whole.length).toSorted((a, b) => a - b), whole.length];
      const parts = edges.slice(1).map((end, index) => whole.subarray(edges[index], end));
      const got = read(parts);
      expect(got).toMatchObject({ isCompressed });
      expect("bytes" in got && got.bytes.equals(message)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("byte by byte too, and the chunks may be overwritten as soon as they are taken", () => {
  const message = Buffer.alloc(MAX, 7);
  const reader = createMessageReader(MAX);
  const chunk = Buffer.alloc(1);
  for (const byte of framed(message)) {
    chunk[0] = byte;
    expect(reader.take(Buffer.from(chunk))).toBeUndefined();
  }
  expect(reader.end()).toEqual({ bytes: message, isCompressed: false });
});

test("whatever bytes come, it is one message as long as its prefix says, or a refusal", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (parts) => {
      const got = read(parts, 20);
      if ("code" in got) return expect(got.code).not.toBe(status.OK);
      const whole = Buffer.concat(parts);
      expect(got.bytes.equals(whole.subarray(PREFIX_BYTES))).toBe(true);
      return expect(got.bytes.length).toBe(whole.readUInt32BE(1));
    }),
    { numRuns: 2_000 },
  );
});
