/**
 * Whether a value of OPA's runtime is an integer of which decimals and OPA's binary numbers think alike: digits, and few enough of them. With
 * such numbers the runtime computes as OPA does.
 */
import { writeSigned32, writeUnsigned32 } from "./binary/leb128.ts";
import { KIND_TEXT, NUMBER_FIELD, NUMBER_TYPE } from "./runtime-number.ts";
import { ALIGNED, I32, NO_RESULT, OP } from "./binary/opcodes.ts";
import * as runtime from "./runtime-collections.ts";

/** Of the text, sign included. */
const MOST = 18;
const [MINUS, ZERO, NINE] = [0x2d, 0x30, 0x39];

/** `whole(value)`: 1 or 0, of no value, too. `typeOf`: the runtime's function that says what a value is. */
export function askingWhetherWhole(typeOf: number): Uint8Array {
  const [value, text, left, character] = [0, 1, 2, 3];
  const constant = (number: number) => [OP.i32Const, ...writeSigned32(number)];
  const answered = (number: number) => [OP.if, NO_RESULT, ...constant(number), OP.return, OP.end];
  const isOther = (number: number) => [...constant(number), OP.i32Ne];
  return Uint8Array.of(
    ...[1, 3, I32],
    ...[OP.localGet, value, OP.i32Eqz, ...answered(0)],
    ...[OP.localGet, value, OP.call, ...writeUnsigned32(typeOf), ...isOther(NUMBER_TYPE), ...answered(0)],
    ...[OP.localGet, value, OP.i32Load8U, 0, NUMBER_FIELD.kind, ...isOther(KIND_TEXT), ...answered(1)],
    ...[OP.localGet, value, OP.i32Load, ALIGNED, NUMBER_FIELD.text, OP.localSet, text],
    ...[OP.localGet, value, OP.i32Load, ALIGNED, NUMBER_FIELD.length, OP.localTee, left],
    ...[...constant(MOST), OP.i32GtU, ...answered(0)],
    ...[OP.loop, NO_RESULT, OP.localGet, left, OP.i32Eqz, ...answered(1)],
    ...[OP.localGet, left, ...constant(1), OP.i32Sub, OP.localTee, left],
    ...[OP.localGet, text, OP.i32Add, OP.i32Load8U, 0, 0, OP.localTee, character],
    ...[...constant(ZERO), OP.i32Sub, ...constant(NINE - ZERO), OP.i32GtU],
    ...[OP.localGet, character, ...isOther(MINUS), OP.i32And, ...answered(0), OP.br, 0, OP.end],
    ...[...constant(0), OP.end],
  );
}

/** `wholes(value)`: the same of all that an array or a set holds. `isWhole`: the function above. */
export function askingWhetherWholes(isWhole: number): Uint8Array {
  const [value, item, bucket, left, nextAt] = [0, 1, 2, 3, 4];
  const constant = (number: number) => [OP.i32Const, ...writeSigned32(number)];
  const isType = (type: number) => [OP.localGet, value, OP.i32Load8U, 0, 0, ...constant(type), OP.i32Eq];
  const refusesAt = (offset: number) => [
    ...[OP.localGet, item, OP.i32Load, ALIGNED, offset, OP.call, ...writeUnsigned32(isWhole)],
    ...[OP.i32Eqz, OP.if, NO_RESULT, ...constant(0), OP.return, OP.end],
  ];
  const ofSet = runtime.eachMember(value, [item, bucket, left, nextAt], refusesAt(runtime.FIRST_OF_MEMBER));
  return Uint8Array.of(
    ...[1, 4, I32, ...isType(runtime.ARRAY_TYPE), OP.if, NO_RESULT],
    ...[
      ...runtime.eachItem(value, [item, left], refusesAt(runtime.ARRAY_ITEM.value)),
      ...constant(1),
      OP.return,
      OP.end,
    ],
    ...[...isType(runtime.SET_TYPE), OP.if, NO_RESULT, ...ofSet, ...constant(1), OP.return, OP.end],
    ...[...constant(0), OP.end],
  );
}
