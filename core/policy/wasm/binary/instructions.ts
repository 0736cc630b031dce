/**
 * Reads one instruction (core specification 5.4): where control goes on after it, as far as it matters here. Understood
 * is what OPA's compiler and its C runtime emit: WebAssembly 1.0 with sign extension, saturating conversion, multi-value
 * blocks and typed `select`. NB: everything else is refused, since an instruction that is not understood could be work
 * that nobody counts (`memory.fill` of 64 MiB is one), a loop of another shape, or a table that grows.
 */
import type { ByteReader } from "./byte-reader.ts";
import { BinaryFault } from "./leb128.ts";
import { OP } from "./opcodes.ts";

type Instruction = { readonly kind: "plain" } | { readonly kind: "division" } | Turning;

/** What blocks are made of, and what goes elsewhere than to the next instruction. */
export type Turning =
  | { readonly kind: "block" | "if" | "else" | "end" | "indirect call" }
  /** `return` and `unreachable`: what follows is not reached from here. */
  | { readonly kind: "leave" }
  /** `hasType`: it may take parameters, which a branch to it then brings. */
  | { readonly kind: "loop"; readonly hasType: boolean }
  | { readonly kind: "call"; readonly index: number }
  /** `depths`: how many blocks outward, each of the places that it may go to. */
  | { readonly kind: "branch"; readonly depths: readonly number[]; readonly isConditional: boolean };

type Immediate = "none" | "index" | "index2" | "memory" | "zero" | "i32" | "i64" | "f32" | "f64" | "types";

const REFUSED: ReadonlyMap<number, string> = new Map([
  [0x12, "return_call"],
  [0x13, "return_call_indirect"],
  [0xfd, "a vector instruction"],
  [0xfe, "an atomic instruction"],
]);
/** `trunc_sat`: the only ones behind 0xfc that do one thing of constant cost. */
const LAST_SATURATING = 7;

/** `div` and `rem` of whole numbers, of 32 and of 64 bits: the only plain ones that take a processor tens of cycles. */
const DIVISIONS = [
  [0x6d, 0x70],
  [0x7f, 0x82],
] as const;

const [PLAIN, DIVISION, BLOCK, IF, ELSE, END, INDIRECT, LEAVE] = [
  ...([{ kind: "plain" }, { kind: "division" }, { kind: "block" }, { kind: "if" }] as const),
  ...([{ kind: "else" }, { kind: "end" }, { kind: "indirect call" }, { kind: "leave" }] as const),
];

/** Reads the instruction at the cursor. @throws BinaryFault */
export function readInstruction(reader: ByteReader): Instruction {
  const opcode = reader.byte();
  switch (opcode) {
    case OP.unreachable:
    case OP.return:
      return LEAVE;
    case OP.block:
      readsTypedBlock(reader);
      return BLOCK;
    case OP.if:
      readsTypedBlock(reader);
      return IF;
    case OP.loop:
      return { kind: "loop", hasType: readsTypedBlock(reader) };
    case OP.else:
      return ELSE;
    case OP.end:
      return END;
    case OP.br:
    case OP.brIf:
      return { kind: "branch", depths: [reader.unsigned()], isConditional: opcode === OP.brIf };
    case OP.brTable: {
      const depths = reader.vector(() => reader.unsigned());
      return { kind: "branch", depths: [...depths, reader.unsigned()], isConditional: false };
    }
    case OP.call:
      return { kind: "call", index: reader.unsigned() };
    case OP.callIndirect:
      skip(reader, "index2");
      return INDIRECT;
    case OP.saturating:
      if (reader.unsigned() <= LAST_SATURATING) return PLAIN;
  }
  const immediate = IMMEDIATES[opcode];
  if (immediate === undefined) {
    throw new BinaryFault(REFUSED.get(opcode) ?? `an instruction that is not understood (0x${opcode.toString(16)})`);
  }
  skip(reader, immediate);
  return DIVISIONS.some(([first, last]) => opcode >= first && opcode <= last) ? DIVISION : PLAIN;
}

const IMMEDIATES: readonly (Immediate | undefined)[] = immediates();

function immediates(): readonly (Immediate | undefined)[] {
  const table: (Immediate | undefined)[] = Array.from({ length: 256 }, () => undefined);
  const set = (immediate: Immediate, from: number, to = from) => table.fill(immediate, from, to + 1);
  set("none", 0x01); // nop
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
    case "types":
      reader.vector(() => reader.byte());
      return;
  }
}

/** Empty, one value type, or the index of a type with parameters and results, as a number of 33 bits: whether it is that. */
function readsTypedBlock(reader: ByteReader): boolean {
  const type = reader.signed(33);
  if (type < 0n && !BLOCK_TYPES.has(type)) throw new BinaryFault("a block of an unknown type");
  return type >= 0n;
}

/** 0x40 for none, then i32, i64, f32, f64, read as signed numbers of one byte. */
const BLOCK_TYPES: ReadonlySet<bigint> = new Set([-0x40n, -1n, -2n, -3n, -4n]);
