/**
 * Whether a value of OPA's runtime is an integer of which decimals and OPA's binary numbers think alike: digits, and few enough of them. With
 * such numbers the runtime computes as OPA does.
 */
import { call, constant, get, load, loadByte, returnIf, set, tee } from "./binary/assemble.ts";
import { KIND_TEXT, NUMBER_FIELD, NUMBER_TYPE } from "./runtime-number.ts";
import { I32, NO_RESULT, OP } from "./binary/opcodes.ts";
import * as runtime from "./runtime-collections.ts";

/** Of the text, sign included. */
const MOST = 18;
const [MINUS, ZERO, NINE] = [0x2d, 0x30, 0x39];

/** `whole(value)`: 1 or 0, of no value, too. `typeOf`: the runtime's function that says what a value is. */
export function askingWhetherWhole(typeOf: number): Uint8Array {
  const [value, text, left, character] = [0, 1, 2, 3];
  const isOther = (number: number) => [...constant(number), OP.i32Ne];
  return Uint8Array.of(
    ...[1, 3, I32],
    ...[...get(value), OP.i32Eqz, ...returnIf(0)],
    ...[...get(value), ...call(typeOf), ...isOther(NUMBER_TYPE), ...returnIf(0)],
    ...[...get(value), ...loadByte(NUMBER_FIELD.kind), ...isOther(KIND_TEXT), ...returnIf(1)],
    ...[...get(value), ...load(NUMBER_FIELD.text), ...set(text)],
    ...[...get(value), ...load(NUMBER_FIELD.length), ...tee(left)],
    ...[...constant(MOST), OP.i32GtU, ...returnIf(0)],
    ...[OP.loop, NO_RESULT, ...get(left), OP.i32Eqz, ...returnIf(1)],
    ...[...get(left), ...constant(1), OP.i32Sub, ...tee(left)],
    ...[...get(text), OP.i32Add, ...loadByte(0), ...tee(character)],
    ...[...constant(ZERO), OP.i32Sub, ...constant(NINE - ZERO), OP.i32GtU],
    ...[...get(character), ...isOther(MINUS), OP.i32And, ...returnIf(0), OP.br, 0, OP.end],
    ...[...constant(0), OP.end],
  );
}

/** `wholes(value)`: the same of all that an array or a set holds. `isWhole`: the function above. */
export function askingWhetherWholes(isWhole: number): Uint8Array {
  const [value, item, bucket, left, nextAt] = [0, 1, 2, 3, 4];
  const isType = (type: number) => [...get(value), ...loadByte(0), ...constant(type), OP.i32Eq];
  const refusesAt = (offset: number) => [
    ...[...get(item), ...load(offset), ...call(isWhole)],
    ...[OP.i32Eqz, ...returnIf(0)],
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
