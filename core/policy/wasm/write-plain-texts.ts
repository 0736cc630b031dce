/**
 * Writes a string eight bytes at a time where OPA's runtime looks for room and goes through a loop for each of its characters: a result is little
 * else. A string of which something has to be escaped, or that needs more room, the runtime writes itself, from its beginning: what is written
 * before that is seen stands behind what the writer has written so far.
 */
import {
  call,
  constant,
  get,
  load,
  loadByte,
  loadEight,
  set,
  store,
  storeByte,
  storeEight,
  tee,
} from "./binary/assemble.ts";
import { holds } from "./binary/code.ts";
import type { Functions } from "./binary/functions.ts";
import { I32, I64, NO_RESULT, OP } from "./binary/opcodes.ts";
import { BACKSLASH, BLANK, hasEscaped, QUOTE, WORD } from "./json-words.ts";
import { STRING_FIELD } from "./runtime-string.ts";

const WRITE = "opa_json_writer_emit_string";
/** `opa_json_writer` (`wasm/src/json.c`): its bytes, where the next one goes, and how many it has room for. */
const WRITER = { bytes: 0, next: 4, size: 8 } as const;

/** What has to stand in that function: where it does not, the runtime is another one than is known here. */
const KNOWN: readonly (readonly number[])[] = [
  [
    ...[...get(0), ...load(WRITER.next), ...tee(3), ...get(0), ...load(WRITER.bytes), OP.i32Sub, ...constant(1)],
    ...[OP.i32Add, ...tee(4), ...get(0), ...load(WRITER.size), ...tee(5)],
  ],
  [...get(1), ...load(STRING_FIELD.length), OP.i32Eqz],
  [...get(1), ...load(STRING_FIELD.text), ...get(6), OP.i32Add, ...loadByte(0)],
];

/** False where the module has no such function. */
export function writePlainTexts(functions: Functions, names: ReadonlyMap<string, number>): boolean {
  const write = names.get(WRITE);
  if (write === undefined || !KNOWN.every((known) => holds(functions.bodyOf(write), known))) return false;
  functions.replace(write, writing(functions.append(write, functions.bodyOf(write))));
  return true;
}

/** `write(writer, string)`: 0. */
function writing(own: number): Uint8Array {
  const [writer, string, text, length, next, at, last, word] = [0, 1, 2, 3, 4, 5, 6, 7];
  const byte = last; // of the short ones
  const ownInstead = [OP.if, NO_RESULT, ...get(writer), ...get(string), ...call(own), OP.return, OP.end];
  const from = [...get(text), ...get(at), OP.i32Add];
  /** One byte before, where the quote is: the stores below go one further. */
  const to = [...get(next), ...get(at), OP.i32Add];
  const room = [
    ...[...get(writer), ...load(WRITER.bytes), ...get(writer), ...load(WRITER.size), OP.i32Add],
    ...[...get(writer), ...load(WRITER.next), ...tee(next), OP.i32Sub],
  ];
  /** The last eight bytes are written by themselves, some of them again. */
  const byWords = [
    ...[...get(length), ...constant(WORD), OP.i32Sub, ...set(last), OP.loop, NO_RESULT],
    ...[...from, ...loadEight(0), ...set(word), ...hasEscaped(word), OP.i64Eqz, OP.i32Eqz, ...ownInstead],
    ...[...to, ...get(word), ...storeEight(1), ...get(at), ...get(last), OP.i32Ne, OP.if, NO_RESULT],
    ...[...get(at), ...constant(WORD), OP.i32Add, ...tee(at), ...get(last)],
    ...[...get(at), ...get(last), OP.i32LtU, OP.select, ...set(at), OP.br, 1, OP.end, OP.end],
  ];
  const byBytes = [
    ...[OP.block, NO_RESULT, OP.loop, NO_RESULT, ...get(at), ...get(length), OP.i32GeU, OP.brIf, 1],
    ...[...from, ...loadByte(0), ...tee(byte), ...constant(BLANK), OP.i32LtU],
    ...[...get(byte), ...constant(QUOTE), OP.i32Eq, OP.i32Or],
    ...[...get(byte), ...constant(BACKSLASH), OP.i32Eq, OP.i32Or, ...ownInstead],
    ...[...to, ...get(byte), ...storeByte(1)],
    ...[...get(at), ...constant(1), OP.i32Add, ...set(at), OP.br, 0, OP.end, OP.end],
  ];
  const end = [...get(next), ...get(length), OP.i32Add];
  return Uint8Array.of(
    ...[2, 5, I32, 1, I64, ...get(string), ...load(STRING_FIELD.length), ...tee(length)],
    ...[...constant(2), OP.i32Add, ...room, OP.i32GtU, ...ownInstead],
    ...[...get(string), ...load(STRING_FIELD.text), ...set(text), ...get(next), ...constant(QUOTE), ...storeByte(0)],
    ...[...get(length), ...constant(WORD), OP.i32GeU, OP.if, NO_RESULT, ...byWords, OP.else, ...byBytes, OP.end],
    ...[...end, ...constant(QUOTE), ...storeByte(1)],
    ...[...get(writer), ...end, ...constant(2), OP.i32Add, ...store(WRITER.next), ...constant(0), OP.end],
  );
}
