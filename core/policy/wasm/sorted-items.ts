/** Functions of a module that put in order what a collection of OPA's runtime holds. */
import { writeSigned32, writeUnsigned32 } from "./binary/leb128.ts";
import { ALIGNED, I32, NO_RESULT, OP } from "./binary/opcodes.ts";
import type { Runtime } from "./merge-sort.ts";
import * as runtime from "./runtime-collections.ts";

const get = (local: number) => [OP.localGet, local];
const set = (local: number) => [OP.localSet, local];
const constant = (value: number) => [OP.i32Const, ...writeSigned32(value)];
const call = (target: number) => [OP.call, ...writeUnsigned32(target)];
const field = (local: number, offset: number) => [...get(local), OP.i32Load, ALIGNED, offset];
const step = (local: number) => [...get(local), ...constant(runtime.ADDRESS_SIZE), OP.i32Add, ...set(local)];
/** Of as many addresses and one more. */
const sizeFor = (count: readonly number[]) => [...count, ...constant(1), OP.i32Add, ...constant(2), OP.i32Shl];
const noneIf = (...code: readonly number[]) => [...code, OP.if, NO_RESULT, ...constant(0), OP.return, OP.end];

/** `sortedItems(collection)`: the address of the values of a set or the keys of an object in order, and a 0; 0 where there is nothing to sort. */
export function sortingItems(allocate: number, sort: number): Uint8Array {
  const [collection, items, out, member, bucket, left, nextAt] = [0, 1, 2, 3, 4, 5, 6];
  const type = [...get(collection), OP.i32Load8U, 0, 0];
  const count = field(collection, runtime.TABLE_COUNT);
  const keep = [...get(out), ...field(member, runtime.FIRST_OF_MEMBER), OP.i32Store, ALIGNED, 0, ...step(out)];
  return Uint8Array.of(
    ...[1, 6, I32, ...noneIf(...get(collection), OP.i32Eqz)],
    ...noneIf(
      ...type,
      ...constant(runtime.OBJECT_TYPE),
      OP.i32Ne,
      ...type,
      ...constant(runtime.SET_TYPE),
      OP.i32Ne,
      OP.i32And,
    ),
    ...noneIf(...count, ...constant(2), OP.i32LtU),
    ...[...sizeFor(count), ...call(allocate), OP.localTee, items, ...set(out)],
    ...runtime.eachMember(collection, [member, bucket, left, nextAt], keep),
    ...[...get(items), ...count, ...call(sort), OP.end],
  );
}

/** `sort(array, …)`, in place. */
export function sortingArray({ allocate, free }: Omit<Runtime, "compare">, sort: number): Uint8Array {
  const [array, item, left, items, next] = [0, 2, 3, 4, 5];
  const count = field(array, runtime.ARRAY_FIELD.count);
  const { value } = runtime.ARRAY_ITEM;
  const keep = [...get(next), ...field(item, value), OP.i32Store, ALIGNED, 0, ...step(next)];
  const write = [...get(item), ...field(next, 0), OP.i32Store, ALIGNED, value, ...step(next)];
  return Uint8Array.of(
    ...[1, 4, I32, ...count, ...constant(2), OP.i32LtU, OP.if, NO_RESULT, OP.return, OP.end],
    ...[...sizeFor(count), ...call(allocate), OP.localTee, items, ...set(next)],
    ...runtime.eachItem(array, [item, left], keep),
    ...[...get(items), ...count, ...call(sort), OP.localTee, items, ...set(next)],
    ...runtime.eachItem(array, [item, left], write),
    ...[...get(items), ...call(free), OP.end],
  );
}

/** `walk(value)`: pairs of a path and what is there, by their paths. */
export function sortingWalk(own: number, sortArray: number): Uint8Array {
  const array = 0;
  return Uint8Array.of(
    ...[0, ...get(array), ...call(own), ...set(array)],
    ...[...get(array), OP.if, NO_RESULT, ...get(array), ...constant(0), ...call(sortArray), OP.end],
    ...[...get(array), OP.end],
  );
}
