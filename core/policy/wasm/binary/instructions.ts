/**
 * Steps over one instruction (core specification 5.4): its opcode and, where it matters here, what kind it is. Understood
 * is what OPA's compiler and its C runtime emit: WebAssembly 1.0 with sign extension, saturating conversion, multi-value
 * blocks and typed `select`. NB: everything else is refused, since an instruction that is not understood could be work
 * that nobody counts (`memory.fill` of 64 MiB is one), a loop of another shape, or a table that grows.
 */
import type { ByteReader } from "./byte-reader.ts";
import { BinaryFault } from "./leb128.ts";

type InstructionKind = "loop" | "block" | "else" | "end" | "division" | "plain";

type Immediate =
  | "none"
  | "index"
  | "index2"
  | "memory"
  | "block"
  | "zero"
  | "i32"
  | "i64"
  | "f32"
  | "f64"
  | "table"
  | "types";

const REFUSED: ReadonlyMap<number, string> = new Map([
  [0x12, "return_call"],
  [0x13, "return_call_indirect"],
  [0xfd, "a vector instruction"],
  [0xfe, "an atomic instruction"],
]);
/** `trunc_sat`: the only ones behind 0xfc that do one thing of constant cost. */
const LAST_SATURATING = 7;

const OP = { block: 0x02, loop: 0x03, if: 0x04, else: 0x05, end: 0x0b } as const;

/** `div` and `rem` of whole numbers, of 32 and of 64 bits: the only plain ones that take a processor tens of cycles. */
const DIVISIONS = [
  [0x6d, 0x70],
  [0x7f, 0x82],
] as const;

/** Reads the instruction at the cursor. @throws BinaryFault */
export function readInstruction(reader: ByteReader): InstructionKind {
  const opcode = reader.byte();
  const immediate = IMMEDIATES[opcode];
  if (immediate !== undefined) skip(reader, immediate);
  else if (opcode === 0xfc && reader.unsigned() <= LAST_SATURATING) return "plain";
  else throw new BinaryFault(REFUSED.get(opcode) ?? `an instruction that is not understood (0x${opcode.toString(16)})`);
  switch (opcode) {
    case OP.loop:
      return "loop";
    case OP.block:
    case OP.if:
      return "block";
    case OP.else:
      return "else";
    case OP.end:
      return "end";
    default:
      return DIVISIONS.some(([first, last]) => opcode >= first && opcode <= last) ? "division" : "plain";
  }
}

const IMMEDIATES: readonly (Immediate | undefined)[] = immediates();

function immediates(): readonly (Immediate | undefined)[] {
  const table: (Immediate | undefined)[] = Array.from({ length: 256 }, () => undefined);
  const set = (immediate: Immediate, from: number, to = from) => table.fill(immediate, from, to + 1);
  set("none", 0x00, 0x01); // unreachable, nop
  set("block", 0x02, 0x04); // block, loop, if
  set("none", 0x05); // else
  set("none", 0x0b); // end
  set("index", 0x0c, 0x0d); // br, br_if
  set("table", 0x0e); // br_table
  set("none", 0x0f); // return
  set("index", 0x10); // call
  set("index2", 0x11); // call_indirect
  set("none", 0x1a, 0x1b); // drop, select
  set("types", 0x1c); // select of a type
  set("index", 0x20, 0x24); // locals and globals
  set("memory", 0x28, 0x3e); // loads and stores
  set("zero", 0x3f, 0x40); // memory.size, memory.grow
  set("i32", 0x41);
  set("i64", 0x42);
  set("f32", 0x43);
  set("f64", 0x44);
  set("none", 0x45, 0xc4); // comparison, arithmetic, conversion, sign extension
  return table;
}

function skip(reader: ByteReader, immediate: Immediate): void {
  switch (immediate) {
    case "none":
      return;
    case "index":
      reader.unsigned();
      return;
    case "index2":
    case "memory": // alignment and offset
      reader.unsigned();
      reader.unsigned();
      return;
    case "block":
      skipBlockType(reader);
      return;
    case "zero":
      if (reader.byte() !== 0) throw new BinaryFault("more than one memory");
      return;
    case "i32":
      reader.signed(32);
      return;
    case "i64":
      reader.signed(64);
      return;
    case "f32":
      reader.take(4);
      return;
    case "f64":
      reader.take(8);
      return;
    case "table":
      reader.vector(() => reader.unsigned());
      reader.unsigned();
      return;
    case "types":
      reader.vector(() => reader.byte());
      return;
  }
}

/** Empty, one value type, or the index of a type with parameters and results, as a number of 33 bits. */
function skipBlockType(reader: ByteReader): void {
  const type = reader.signed(33);
  if (type < 0n && !BLOCK_TYPES.has(type)) throw new BinaryFault("a block of an unknown type");
}

/** 0x40 for none, then i32, i64, f32, f64, read as signed numbers of one byte. */
const BLOCK_TYPES: ReadonlySet<bigint> = new Set([-0x40n, -1n, -2n, -3n, -4n]);
