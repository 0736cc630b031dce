/** Functions of a module that put in order what a collection of OPA's runtime holds. */
import { call, constant, get, loadByte, returnIf, set, store, tee } from "./binary/assemble.ts";
import { I32, NO_RESULT, OP } from "./binary/opcodes.ts";
import type { Runtime } from "./merge-sort.ts";
import * as runtime from "./runtime-collections.ts";

const step = (local: number) => [...get(local), ...constant(runtime.ADDRESS_SIZE), OP.i32Add, ...set(local)];
/** Of as many addresses and one more. */
const sizeFor = (count: readonly number[]) => [...count, ...constant(1), OP.i32Add, ...constant(2), OP.i32Shl];

/** `sortedItems(collection)`: the address of the values of a set or the keys of an object in order, and a 0; 0 where there is nothing to sort. */
export function sortingItems(allocate: number, sort: number): Uint8Array {
  const [collection, items, out, member, bucket, left, nextAt] = [0, 1, 2, 3, 4, 5, 6];
  const type = [...get(collection), ...loadByte(0)];
  const count = runtime.field(collection, runtime.TABLE_COUNT);
  const keep = [...get(out), ...runtime.field(member, runtime.FIRST_OF_MEMBER), ...store(0), ...step(out)];
  return Uint8Array.of(
    ...[1, 6, I32, ...get(collection), OP.i32Eqz, ...returnIf(0)],
    ...[...type, ...constant(runtime.OBJECT_TYPE), OP.i32Ne],
    ...[...type, ...constant(runtime.SET_TYPE), OP.i32Ne, OP.i32And, ...returnIf(0)],
    ...[...count, ...constant(2), OP.i32LtU, ...returnIf(0)],
    ...[...sizeFor(count), ...call(allocate), ...tee(items), ...set(out)],
    ...runtime.eachMember(collection, [member, bucket, left, nextAt], keep),
    ...[...get(items), ...count, ...call(sort), OP.end],
  );
}

/** `sort(array, …)`, in place. */
export function sortingArray({ allocate, free }: Omit<Runtime, "compare">, sort: number): Uint8Array {
  const [array, item, left, items, next] = [0, 2, 3, 4, 5];
  const count = runtime.field(array, runtime.ARRAY_FIELD.count);
  const { value } = runtime.ARRAY_ITEM;
  const keep = [...get(next), ...runtime.field(item, value), ...store(0), ...step(next)];
  const write = [...get(item), ...runtime.field(next, 0), ...store(value), ...step(next)];
  return Uint8Array.of(
    ...[1, 4, I32, ...count, ...constant(2), OP.i32LtU, OP.if, NO_RESULT, OP.return, OP.end],
    ...[...sizeFor(count), ...call(allocate), ...tee(items), ...set(next)],
    ...runtime.eachItem(array, [item, left], keep),
    ...[...get(items), ...count, ...call(sort), ...tee(items), ...set(next)],
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
