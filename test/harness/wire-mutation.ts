/**
 * Protobuf messages changed in one field at a time, on the wire, where nothing is too wrong to be written. The descriptor says which fields
 * there are, so none can be forgotten.
 */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** A field, and the fields that lead to it from the message that is sent. */
type FieldPath = readonly DescField[];

export function nameOf(field: DescField): string {
  return `${field.parent.typeName}.${field.name}`;
}

/** A path to every field that can be reached; into a message that holds itself once. */
export function fieldPaths(desc: DescMessage, above: readonly DescField[] = []): readonly FieldPath[] {
  return desc.fields.flatMap((field) => {
    const path = [...above, field];
    const inner = field.message;
    const isInside = inner === undefined || above.some(({ parent }) => parent === inner) || inner === desc;
    return [path, ...(isInside ? [] : fieldPaths(inner, [...above, field]))];
  });
}

const TEXTS: readonly Uint8Array[] = [
  ...[
    "",
    "\0",
    "\r\nx: y",
    "__proto__",
    "constructor",
    "//admin",
    "/%2e%2e/%00",
    "%zz",
    "?;",
    "a".repeat(5_000),
    "\u{1F4A3}",
  ],
  ...[
    "Bearer a.b.c",
    "x".repeat(300),
    "DELETE ",
    "get",
    "Infinity",
    "9".repeat(400),
    "{",
    "[".repeat(3_000),
    "application/json",
  ],
].map((text) => Buffer.from(text));
const RAW = [[0xff, 0xfe], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0x80]].map((bytes) => Uint8Array.from(bytes));
const VARINTS = [0n, 1n, -1n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 63n - 1n].map((value) =>
  BigInt.asUintN(64, value),
);

/** Whole records for this field: good values at their limits, other wire types, lengths that lie. `random` answers in [0, 1). */
export function strangeRecord(field: number, random: () => number): Uint8Array {
  const writer = new BinaryWriter();
  const pick = <T>(all: readonly T[], otherwise: T): T => all[Math.floor(random() * all.length)] ?? otherwise;
  const noise = () => Uint8Array.from({ length: Math.floor(random() * 64) }, () => Math.floor(random() * 256));
  const text = () => pick([...TEXTS, ...RAW, noise()], noise());
  switch (Math.floor(random() * 7)) {
    case 0:
      return writer.tag(field, WireType.Varint).uint64(pick(VARINTS, 0n)).finish();
    case 1:
      return writer.tag(field, WireType.Bit64).fixed64(pick(VARINTS, 0n)).finish();
    case 2:
      return writer
        .tag(field, WireType.Bit32)
        .fixed32(Math.floor(random() * 2 ** 32))
        .finish();
    case 3:
      return Buffer.concat([
        writer
          .tag(field, WireType.LengthDelimited)
          .uint32(2 ** 31 - 1)
          .finish(),
        noise(),
      ]);
    case 4:
      return Buffer.concat([new BinaryWriter().uint32((field << 3) | pick([3, 4, 6, 7], 6)).finish(), noise()]);
    case 5:
      return writer
        .tag(field, WireType.LengthDelimited)
        .bytes(text())
        .tag(field, WireType.LengthDelimited)
        .bytes(text())
        .finish();
    default:
      return writer.tag(field, WireType.LengthDelimited).bytes(text()).finish();
  }
}

/** The message with this record in place of what stood in the field; messages on the way to it are made where they are missing. */
export function withRecord(message: Uint8Array, path: readonly DescField[], record: Uint8Array): Uint8Array {
  const [field, ...rest] = path;
  if (field === undefined) return record;
  const reader = new BinaryReader(message);
  const kept: Uint8Array[] = [];
  let inner: Uint8Array = new Uint8Array();
  while (reader.pos < reader.len) {
    const begin = reader.pos;
    const [number, wireType] = reader.tag();
    const from = reader.pos;
    reader.skip(wireType, number);
    if (number !== field.number) kept.push(message.subarray(begin, reader.pos));
    else if (wireType === WireType.LengthDelimited)
      inner = new BinaryReader(message.subarray(from, reader.pos)).bytes();
  }
  if (rest.length === 0) return Buffer.concat([...kept, record]);
  const changed = withRecord(inner, rest, record);
  const outer = new BinaryWriter().tag(field.number, WireType.LengthDelimited).bytes(changed).finish();
  return Buffer.concat([...kept, outer]);
}
