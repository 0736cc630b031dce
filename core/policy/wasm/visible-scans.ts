/**
 * The loops of a rule over a collection in which the order can be seen: what they find is appended to an array that was made before them. An
 * array that is made in each round is none, nor what a set or an object is made of.
 *
 * Known by how OPA's compiler writes them (`compileScan` in `internal/compiler/wasm/wasm.go`).
 */
import { ByteReader } from "./binary/byte-reader.ts";
import { turnsOf } from "./binary/code.ts";
import { readInstruction } from "./binary/instructions.ts";
import { OP } from "./binary/opcodes.ts";

/** `key = opa_value_iter(source, key)` at the beginning of a loop, `key` being 0 when it is entered. Both are locals. */
export type Scan = { readonly from: number; readonly to: number; readonly source: number; readonly key: number };

/** Indices of functions of the runtime. */
type Runtime = { readonly iterate: number; readonly append: number; readonly makeArray: number };

type Block = {
  readonly scan: Scan | undefined;
  /** Locals that hold an array which is made inside. */
  readonly made: Set<number>;
};

export function visibleScans(body: Uint8Array, { iterate, append, makeArray }: Runtime): readonly Scan[] {
  const { begin, turns } = turnsOf(body);
  const visible = new Set<Scan>();
  const open: Block[] = [];
  for (const [place, { at, end, instruction }] of turns.entries()) {
    if (instruction.kind === "loop") open.push({ scan: scanAt(body, end, iterate), made: new Set() });
    else if (instruction.kind === "block" || instruction.kind === "if") open.push({ scan: undefined, made: new Set() });
    else if (instruction.kind === "end") open.pop();
    if (instruction.kind !== "call") continue;
    if (instruction.index === makeArray) {
      const local = localSetAt(body, end);
      if (local !== undefined) for (const { made } of open) made.add(local);
    }
    if (instruction.index !== append) continue;
    const array = firstOfTwo(body, turns[place - 1]?.end ?? begin, at);
    for (const { scan, made } of open) if (scan && (array === undefined || !made.has(array))) visible.add(scan);
  }
  return [...visible];
}

function scanAt(body: Uint8Array, at: number, iterate: number): Scan | undefined {
  const reader = readerAt(body, at);
  if (reader.byte() !== OP.localGet) return undefined;
  const source = reader.unsigned();
  if (reader.byte() !== OP.localGet) return undefined;
  const key = reader.unsigned();
  if (reader.byte() !== OP.call || reader.unsigned() !== iterate) return undefined;
  const to = reader.at;
  const isKept = reader.byte() === OP.localTee && reader.unsigned() === key;
  return isKept ? { from: at, to, source, key } : undefined;
}

function localSetAt(body: Uint8Array, at: number): number | undefined {
  const reader = readerAt(body, at);
  return reader.byte() === OP.localSet ? reader.unsigned() : undefined;
}

/** The local that is the first of two arguments, where the second is a local or a constant. */
function firstOfTwo(body: Uint8Array, from: number, to: number): number | undefined {
  const reader = readerAt(body, from);
  const starts: number[] = [];
  while (reader.at < to) {
    starts.push(reader.at);
    readInstruction(reader);
  }
  const [first, second] = starts.slice(-2);
  if (first === undefined || second === undefined || body[first] !== OP.localGet) return undefined;
  const isPlain = body[second] === OP.localGet || body[second] === OP.i32Const;
  return isPlain ? readerAt(body, first + 1).unsigned() : undefined;
}

function readerAt(body: Uint8Array, at: number): ByteReader {
  const reader = new ByteReader(body);
  reader.at = at;
  return reader;
}
