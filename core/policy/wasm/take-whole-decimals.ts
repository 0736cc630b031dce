/**
 * Lets OPA's runtime take `1.0` for the integer that it is, as OPA does since 1.20 (`util.Atoi64`): as an index of an array, in `substring`,
 * `array.slice` and wherever else it asks for one. Its own takes digits and nothing else; where it refuses, what is left without zeros
 * behind a point is tried once more. NB: not for whoever else reads digits: `10.0.0.0/8.0` is no network.
 */
import { redirectedCalls } from "./binary/changes.ts";
import type { Functions } from "./binary/functions.ts";
import { call, constant, get, loadByte, returnIf, set } from "./binary/assemble.ts";
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
  const parsed = [...get(text), ...get(length), ...get(integer), ...call(own)];
  const last = [...get(text), ...get(length), OP.i32Add, ...constant(1), OP.i32Sub, ...loadByte(0)];
  const shorten = [...get(length), ...constant(1), OP.i32Sub, ...set(length)];
  return Uint8Array.of(
    ...[0, ...parsed, OP.i32Eqz, ...returnIf(0)],
    ...[...get(length), ...constant(MOST), OP.i32GtU, ...returnIf(-1)],
    ...[OP.block, NO_RESULT, OP.loop, NO_RESULT],
    ...[...get(length), ...constant(2), OP.i32LtU, ...returnIf(-1)],
    ...[...last, ...constant(ZERO), OP.i32Ne, OP.brIf, 1, ...shorten, OP.br, 0, OP.end, OP.end],
    ...[...last, ...constant(POINT), OP.i32Ne, ...returnIf(-1), ...shorten, ...parsed, OP.end],
  );
}
