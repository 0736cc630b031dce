/**
 * Whether the parts of a template (`$"…"`), each a text or a set of what stands between braces, hold no collection and sets no more than one value:
 * the runtime writes collections in the order of a hash table and with the texts inside quoted as JSON.
 */
import { constant, get, loadByte, returnIf, set } from "./binary/assemble.ts";
import { I32, NO_RESULT, OP } from "./binary/opcodes.ts";
import * as runtime from "./runtime-collections.ts";

/** `areScalar(parts)`: 1 or 0. */
export function askingWhetherScalarParts(): Uint8Array {
  const [parts, item, left, part, member, bucket, leftInSet, nextAt] = [0, 1, 2, 3, 4, 5, 6, 7];
  const type = (local: number) => [...get(local), ...loadByte(0)];
  // NB: not all above are collections: the texts and booleans of the policy itself have types of their own, 8 and 9.
  const isCollection = [
    ...[...constant(runtime.ARRAY_TYPE), OP.i32Sub, ...constant(runtime.SET_TYPE - runtime.ARRAY_TYPE + 1), OP.i32LtU],
  ];
  const ofMember = [...runtime.field(member, runtime.FIRST_OF_MEMBER), ...loadByte(0), ...isCollection, ...returnIf(0)];
  // Of more than one value the runtime would have no answer, and nobody would see that.
  const ofSet = [
    ...[...runtime.field(part, runtime.TABLE_COUNT), ...constant(1), OP.i32GtU, ...returnIf(0)],
    ...runtime.eachMember(part, [member, bucket, leftInSet, nextAt], ofMember),
  ];
  const ofPart = [
    ...[...runtime.field(item, runtime.ARRAY_ITEM.value), ...set(part)],
    ...[...type(part), ...constant(runtime.SET_TYPE), OP.i32Eq, OP.if, NO_RESULT, ...ofSet],
    ...[OP.else, ...type(part), ...isCollection, ...returnIf(0), OP.end],
  ];
  return Uint8Array.of(
    ...[1, 7, I32, ...type(parts), ...constant(runtime.ARRAY_TYPE), OP.i32Ne, ...returnIf(0)],
    ...[...runtime.eachItem(parts, [item, left], ofPart), ...constant(1), OP.end],
  );
}
