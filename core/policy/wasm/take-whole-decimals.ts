/**
 * Lets OPA's runtime take `1.0` for the integer that it is, as OPA does since 1.20 (`util.Atoi64`): as an index of an array, in `substring`,
 * `array.slice` and wherever else it asks for one. Its own takes digits and nothing else; where it refuses, what is left without zeros
 * behind a point is tried once more. NB: not for whoever else reads digits: `10.0.0.0/8.0` is no network.
 */
import { redirectedCalls } from "./binary/changes.ts";
import type { Functions } from "./binary/functions.ts";
import { writeSigned32, writeUnsigned32 } from "./binary/leb128.ts";
import { NO_RESULT, OP } from "./binary/opcodes.ts";

const PARSE = "opa_atoi64";
/** Those that take a number for an integer. */
const ASKING = ["opa_number_try_int", "opa_value_get"] as const;
/** Go reads no more characters, sign included. */
const MOST = 20;
const [ZERO, POINT] = [0x30, 0x2e];

/** False where the module has no such functions. */
export function takeWholeDecimals(functions: Functions, names: ReadonlyMap<string, number>): boolean {
  const parse = names.get(PARSE);
  const asking = ASKING.flatMap((name) => names.get(name) ?? []);
  if (parse === undefined || asking.length === 0) return false;
  const taking = functions.append(parse, parsing(parse));
  for (const index of asking) functions.replace(index, redirectedCalls(functions.bodyOf(index), parse, taking));
  return true;
}

/** `parse(text, length, &integer)`: 0 where it is one. */
function parsing(own: number): Uint8Array {
  const [text, length, integer] = [0, 1, 2];
  const constant = (value: number) => [OP.i32Const, ...writeSigned32(value)];
  const refused = [OP.if, NO_RESULT, ...constant(-1), OP.return, OP.end];
  const parsed = [OP.localGet, text, OP.localGet, length, OP.localGet, integer, OP.call, ...writeUnsigned32(own)];
  const last = [OP.localGet, text, OP.localGet, length, OP.i32Add, ...constant(1), OP.i32Sub, OP.i32Load8U, 0, 0];
  const shorten = [OP.localGet, length, ...constant(1), OP.i32Sub, OP.localSet, length];
  return Uint8Array.of(
    ...[0, ...parsed, OP.i32Eqz, OP.if, NO_RESULT, ...constant(0), OP.return, OP.end],
    ...[OP.localGet, length, ...constant(MOST), OP.i32GtU, ...refused],
    ...[OP.block, NO_RESULT, OP.loop, NO_RESULT],
    ...[OP.localGet, length, ...constant(2), OP.i32LtU, ...refused],
    ...[...last, ...constant(ZERO), OP.i32Ne, OP.brIf, 1, ...shorten, OP.br, 0, OP.end, OP.end],
    ...[...last, ...constant(POINT), OP.i32Ne, ...refused, ...shorten, ...parsed, OP.end],
  );
}
