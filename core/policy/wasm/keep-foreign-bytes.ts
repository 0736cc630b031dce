/**
 * Lets text that is not UTF-8 (`%ff` in a path) through OPA's runtime, which aborts where it reads such a string. Go keeps
 * the bytes, so a policy of OPA's sees them, and what it decides must not become a fault here. NB: nor may an instance be lost to
 * each such request. What a policy then hands out of them is refused where its result is read.
 *
 * The runtime decodes each character above ASCII and encodes it again. A byte that begins none is now decoded as a number
 * above all of Unicode's that says which it is, one byte long; and such a number is encoded as that byte.
 */
import type { Functions } from "./binary/functions.ts";
import { call, constant, get, loadByte, store, storeByte, tee } from "./binary/assemble.ts";
import { I32, NO_RESULT, OP } from "./binary/opcodes.ts";

const DECODE = "opa_unicode_decode_utf8";
const ENCODE = "opa_unicode_encode_utf8";
/** Behind U+10FFFF. */
const BEYOND = 0x11_0000;

/** False where the module has no such functions. */
export function keepForeignBytes(functions: Functions, names: ReadonlyMap<string, number>): boolean {
  const [decode, encode] = [names.get(DECODE), names.get(ENCODE)];
  if (decode === undefined || encode === undefined) return false;
  functions.replace(decode, decoding(functions.append(decode, functions.bodyOf(decode))));
  functions.replace(encode, encoding(functions.append(encode, functions.bodyOf(encode))));
  return true;
}

/** `decode(in, i, length, &taken)`: the code point, or -1. */
function decoding(own: number): Uint8Array {
  const [input, at, length, taken, found] = [0, 1, 2, 3, 4];
  const all = [input, at, length, taken].flatMap(get);
  return Uint8Array.of(
    ...[1, 1, I32, ...all, ...call(own), ...tee(found)],
    ...[...constant(-1), OP.i32Ne, OP.if, NO_RESULT, ...get(found), OP.return, OP.end],
    ...[...get(at), ...get(length), OP.i32GeS, OP.if, NO_RESULT],
    ...[...constant(-1), OP.return, OP.end],
    ...[...get(taken), ...constant(1), ...store(0)],
    ...[...get(input), ...get(at), OP.i32Add, ...loadByte(0)],
    ...[...constant(BEYOND), OP.i32Add, OP.end],
  );
}

/** `encode(code point, out)`: how many bytes were written. */
function encoding(own: number): Uint8Array {
  const [point, out] = [0, 1];
  return Uint8Array.of(
    ...[0, ...get(point), ...constant(BEYOND), OP.i32LtS, OP.if, NO_RESULT],
    ...[...get(point), ...get(out), ...call(own), OP.return, OP.end],
    ...[...get(out), ...get(point), ...constant(BEYOND), OP.i32Sub, ...storeByte(0)],
    ...[...constant(1), OP.end],
  );
}
