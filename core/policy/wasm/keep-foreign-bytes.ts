/**
 * Lets text that is not UTF-8 (`%ff` in a path) through OPA's runtime, which aborts where it reads such a string. Go keeps
 * the bytes, so a policy of OPA's sees them, and what it decides must not become a fault here. NB: nor may an instance be lost to
 * each such request. What a policy then hands out of them is refused where its result is read.
 *
 * The runtime decodes each character above ASCII and encodes it again. A byte that begins none is now decoded as a number
 * above all of Unicode's that says which it is, one byte long; and such a number is encoded as that byte.
 */
import type { Functions } from "./binary/functions.ts";
import { writeSigned32, writeUnsigned32 } from "./binary/leb128.ts";
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
  const all = [input, at, length, taken].flatMap((parameter) => [OP.localGet, parameter]);
  return Uint8Array.of(
    ...[1, 1, I32, ...all, OP.call, ...writeUnsigned32(own), OP.localTee, found],
    ...[OP.i32Const, ...writeSigned32(-1), OP.i32Ne, OP.if, NO_RESULT, OP.localGet, found, OP.return, OP.end],
    ...[OP.localGet, at, OP.localGet, length, OP.i32GeS, OP.if, NO_RESULT],
    ...[OP.i32Const, ...writeSigned32(-1), OP.return, OP.end],
    ...[OP.localGet, taken, OP.i32Const, 1, OP.i32Store, 2, 0],
    ...[OP.localGet, input, OP.localGet, at, OP.i32Add, OP.i32Load8U, 0, 0],
    ...[OP.i32Const, ...writeSigned32(BEYOND), OP.i32Add, OP.end],
  );
}

/** `encode(code point, out)`: how many bytes were written. */
function encoding(own: number): Uint8Array {
  const [point, out] = [0, 1];
  return Uint8Array.of(
    ...[0, OP.localGet, point, OP.i32Const, ...writeSigned32(BEYOND), OP.i32LtS, OP.if, NO_RESULT],
    ...[OP.localGet, point, OP.localGet, out, OP.call, ...writeUnsigned32(own), OP.return, OP.end],
    ...[OP.localGet, out, OP.localGet, point, OP.i32Const, ...writeSigned32(BEYOND), OP.i32Sub, OP.i32Store8, 0, 0],
    ...[OP.i32Const, 1, OP.end],
  );
}
