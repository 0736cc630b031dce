/**
 * Whether a value of OPA's runtime is a text of digits and dots and at most one slash: an address of IPv4, or a network of them, as they are
 * mostly written. Of those it thinks as Go does. Of others it takes some that Go refuses (`10.0.0.0/+8`), and `::ffff:10.0.0.1` for no IPv4.
 */
import { call, constant, get, load, loadByte, returnIf, set, tee } from "./binary/assemble.ts";
import { I32, NO_RESULT, OP } from "./binary/opcodes.ts";
import { STRING_FIELD, STRING_TYPE } from "./runtime-string.ts";

const [DOT, SLASH, NINE] = [0x2e, 0x2f, 0x39];

/** `plain(value)`: 1 or 0. `typeOf`: the runtime's function that says what a value is. */
export function askingWhetherPlainNetwork(typeOf: number): Uint8Array {
  const [value, text, left, character, slashes] = [0, 1, 2, 3, 4];
  return Uint8Array.of(
    ...[1, 4, I32],
    ...[...get(value), ...call(typeOf), ...constant(STRING_TYPE), OP.i32Ne, ...returnIf(0)],
    ...[...get(value), ...load(STRING_FIELD.text), ...set(text)],
    ...[...get(value), ...load(STRING_FIELD.length), ...set(left)],
    ...[OP.loop, NO_RESULT, ...get(left), OP.i32Eqz, ...returnIf(1)],
    ...[...get(left), ...constant(1), OP.i32Sub, ...tee(left)],
    ...[...get(text), OP.i32Add, ...loadByte(0), ...tee(character)],
    ...[...constant(DOT), OP.i32Sub, ...constant(NINE - DOT), OP.i32GtU, ...returnIf(0)],
    ...[...get(character), ...constant(SLASH), OP.i32Eq, ...get(slashes), OP.i32Add, ...tee(slashes)],
    ...[...constant(1), OP.i32GtU, ...returnIf(0), OP.br, 0, OP.end],
    ...[...constant(0), OP.end],
  );
}
