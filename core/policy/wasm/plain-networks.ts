/**
 * Whether a value of OPA's runtime is a text of digits and dots and at most one slash: an address of IPv4, or a network of them, as they are
 * mostly written. Of those it thinks as Go does. Of others it takes some that Go refuses (`10.0.0.0/+8`), and `::ffff:10.0.0.1` for no IPv4.
 */
import { writeSigned32, writeUnsigned32 } from "./binary/leb128.ts";
import { ALIGNED, I32, NO_RESULT, OP } from "./binary/opcodes.ts";

/** What the runtime's `opa_value_type` says of a text, and where `opa_string_t` has its length and its address (`wasm/src/value.h`). */
const STRING_TYPE = 4;
const STRING_FIELD = { length: 4, text: 8 } as const;
const [DOT, SLASH, NINE] = [0x2e, 0x2f, 0x39];

/** `plain(value)`: 1 or 0. `typeOf`: the runtime's function that says what a value is. */
export function askingWhetherPlainNetwork(typeOf: number): Uint8Array {
  const [value, text, left, character, slashes] = [0, 1, 2, 3, 4];
  const constant = (number: number) => [OP.i32Const, ...writeSigned32(number)];
  const answered = (number: number) => [OP.if, NO_RESULT, ...constant(number), OP.return, OP.end];
  return Uint8Array.of(
    ...[1, 4, I32],
    ...[OP.localGet, value, OP.call, ...writeUnsigned32(typeOf), ...constant(STRING_TYPE), OP.i32Ne, ...answered(0)],
    ...[OP.localGet, value, OP.i32Load, ALIGNED, STRING_FIELD.text, OP.localSet, text],
    ...[OP.localGet, value, OP.i32Load, ALIGNED, STRING_FIELD.length, OP.localSet, left],
    ...[OP.loop, NO_RESULT, OP.localGet, left, OP.i32Eqz, ...answered(1)],
    ...[OP.localGet, left, ...constant(1), OP.i32Sub, OP.localTee, left],
    ...[OP.localGet, text, OP.i32Add, OP.i32Load8U, 0, 0, OP.localTee, character],
    ...[...constant(DOT), OP.i32Sub, ...constant(NINE - DOT), OP.i32GtU, ...answered(0)],
    ...[OP.localGet, character, ...constant(SLASH), OP.i32Eq, OP.localGet, slashes, OP.i32Add, OP.localTee, slashes],
    ...[...constant(1), OP.i32GtU, ...answered(0), OP.br, 0, OP.end],
    ...[...constant(0), OP.end],
  );
}
