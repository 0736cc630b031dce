/**
 * Lets OPA's runtime take `1.0` for the integer that it is, as OPA does since 1.20 (`util.Atoi64`): as an index of an array, in `substring`,
 * `array.slice` and wherever else it asks for one. Its own takes digits and nothing else; where it refuses, what is left without zeros
 * behind a point is tried once more.
 */
import type { Functions } from "./binary/functions.ts";
import { writeSigned32, writeUnsigned32 } from "./binary/leb128.ts";
import { KIND_TEXT, NUMBER_FIELD } from "./runtime-number.ts";
import { ALIGNED, I32, NO_RESULT, OP } from "./binary/opcodes.ts";

const TRY_INTEGER = "opa_number_try_int";
const PARSE = "opa_atoi64";
/** Go reads no more characters, sign included. */
const MOST = 20;
const [ZERO, POINT] = [0x30, 0x2e];

/** False where the module has no such functions. */
export function takeWholeDecimals(functions: Functions, names: ReadonlyMap<string, number>): boolean {
  const [asked, parse] = [names.get(TRY_INTEGER), names.get(PARSE)];
  if (asked === undefined || parse === undefined) return false;
  functions.replace(asked, asking(functions.append(asked, functions.bodyOf(asked)), parse));
  return true;
}

/** `try(number, &integer)`: 0 where it is one. */
function asking(own: number, parse: number): Uint8Array {
  const [number, integer, text, length] = [0, 1, 2, 3];
  const constant = (value: number) => [OP.i32Const, ...writeSigned32(value)];
  const refused = [OP.if, NO_RESULT, ...constant(-1), OP.return, OP.end];
  const last = [OP.localGet, text, OP.localGet, length, OP.i32Add, ...constant(1), OP.i32Sub, OP.i32Load8U, 0, 0];
  return Uint8Array.of(
    ...[1, 2, I32],
    ...[OP.localGet, number, OP.localGet, integer, OP.call, ...writeUnsigned32(own)],
    ...[OP.i32Eqz, OP.if, NO_RESULT, ...constant(0), OP.return, OP.end],
    ...[OP.localGet, number, OP.i32Load8U, 0, NUMBER_FIELD.kind, ...constant(KIND_TEXT), OP.i32Ne, ...refused],
    ...[OP.localGet, number, OP.i32Load, ALIGNED, NUMBER_FIELD.text, OP.localSet, text],
    ...[OP.localGet, number, OP.i32Load, ALIGNED, NUMBER_FIELD.length, OP.localTee, length],
    ...[...constant(MOST), OP.i32GtU, ...refused],
    ...[OP.block, NO_RESULT, OP.loop, NO_RESULT],
    ...[OP.localGet, length, ...constant(2), OP.i32LtU, ...refused],
    ...[...last, ...constant(ZERO), OP.i32Ne, OP.brIf, 1],
    ...[OP.localGet, length, ...constant(1), OP.i32Sub, OP.localSet, length, OP.br, 0, OP.end, OP.end],
    ...[...last, ...constant(POINT), OP.i32Ne, ...refused],
    ...[OP.localGet, text, OP.localGet, length, ...constant(1), OP.i32Sub, OP.localGet, integer],
    ...[OP.call, ...writeUnsigned32(parse), OP.end],
  );
}
