/**
 * Protobuf messages changed in one field at a time, on the wire, where nothing is too wrong to be written. The descriptor says which fields
 * there are, so none can be forgotten. An entry of a map is a message, as it is on the wire: its key is field 1, its value field 2.
 */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

const ENTRY = { key: 1, value: 2 } as const;

/** Into a message by a field, or into an entry of the map that stands in this field. */
type Step = { readonly field: DescField; readonly part?: keyof typeof ENTRY };

/** A step, and the steps that lead to it from the message that is sent. */
export type Path = readonly Step[];

/** @throws for a path without steps. */
export function lastOf(path: Path): Step {
  const last = path.at(-1);
  if (last === undefined) throw new Error("a path without steps");
  return last;
}

export function nameOf({ field, part }: Step): string {
  return [field.parent.typeName, field.name, ...(part === undefined ? [] : [part])].join(".");
}

/** On the wire, of the message that the step leads into. */
function numberOf({ field, part }: Step): number {
  return part === undefined ? field.number : ENTRY[part];
}

/** A path to every field that can be reached; into a message that holds itself once. */
export function fieldPaths(desc: DescMessage, above: Path = []): readonly Path[] {
  return desc.fields.flatMap((field) => {
    const path = [...above, { field }];
    const inner = field.message;
    const isInside = inner === desc || above.some(({ field: { parent } }) => parent === inner);
    const below = (way: Path) => (inner === undefined || isInside ? [] : fieldPaths(inner, way));
    if (field.fieldKind !== "map") return [path, ...below(path)];
    const into = (part: keyof typeof ENTRY): Path => [...path, { field, part }];
    return [path, into("key"), into("value"), ...below(into("value"))];
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
export function strangeRecord(step: Step, random: () => number): Uint8Array {
  const field = numberOf(step);
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

/** A record that says something of this field, and nothing strange: a word, a one, or an empty message. */
export function plainRecord(step: Step): Uint8Array {
  const { field, part } = step;
  const number = numberOf(step);
  const writer = new BinaryWriter();
  const scalar = field.fieldKind === "map" && part === "key" ? field.mapKey : field.scalar;
  const isEntry = field.fieldKind === "map" && part === undefined;
  if (isEntry || (field.message !== undefined && part !== "key"))
    return writer.tag(number, WireType.LengthDelimited).bytes(new Uint8Array()).finish();
  if (scalar === ScalarType.STRING || scalar === ScalarType.BYTES)
    return writer.tag(number, WireType.LengthDelimited).string("changed").finish();
  if (scalar === ScalarType.DOUBLE) return writer.tag(number, WireType.Bit64).double(1).finish();
  return writer.tag(number, WireType.Varint).uint32(1).finish();
}

/**
 * The message with this record in place of one that stood in the field, which `random` chooses where there are several; all others stay as
 * and where they are. Where there was none it comes last, in messages and entries that are made for it. `random` answers in [0, 1).
 */
export function withRecord(message: Uint8Array, path: Path, record: Uint8Array, random: () => number): Uint8Array {
  const [step, ...rest] = path;
  if (step === undefined) return record;
  const number = numberOf(step);
  const found = recordsOf(message, number);
  const one = found[Math.floor(random() * found.length)];
  const { begin, end, inner } = one ?? { begin: message.length, end: message.length, inner: new Uint8Array() };
  const changed =
    rest.length === 0
      ? record
      : new BinaryWriter()
          .tag(number, WireType.LengthDelimited)
          .bytes(withRecord(inner, rest, record, random))
          .finish();
  return Buffer.concat([message.subarray(0, begin), changed, message.subarray(end)]);
}

/** Where in a message the records of a field are, each with the message that it may hold. */
function recordsOf(message: Uint8Array, number: number) {
  const reader = new BinaryReader(message);
  const found: { readonly begin: number; readonly end: number; readonly inner: Uint8Array }[] = [];
  while (reader.pos < reader.len) {
    const begin = reader.pos;
    const [field, wireType] = reader.tag();
    const from = reader.pos;
    reader.skip(wireType, field);
    const end = reader.pos;
    const isLong = wireType === WireType.LengthDelimited;
    const inner = isLong ? new BinaryReader(message.subarray(from, end)).bytes() : new Uint8Array();
    if (field === number) found.push({ begin, end, inner });
  }
  return found;
}
