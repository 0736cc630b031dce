/**
 * `opa_array_t`, `opa_object_t` and `opa_set_t` in the memory of OPA's runtime (`wasm/src/value.h`): what its `opa_value_type` says of them,
 * and code that goes over what they hold.
 */
import { constant, get, load, loadByte, set } from "./binary/assemble.ts";
import { NO_RESULT, OP } from "./binary/opcodes.ts";

export const ARRAY_TYPE = 5;
export const OBJECT_TYPE = 6;
export const SET_TYPE = 7;

/** Offsets, as are all of these. */
export const ARRAY_FIELD = { items: 4, count: 8 } as const;
/** An item of an array is its index and its value. */
export const ARRAY_ITEM = { size: 8, value: 4 } as const;

/** Of objects and sets, which are hash tables. */
const TABLE_FIELD = { buckets: 4, bucketCount: 8 } as const;
export const TABLE_COUNT = 12;
/** A member of an object is its key, its value and the next one of its bucket; of a set its value and the next one. */
export const FIRST_OF_MEMBER = 0;
const NEXT = { inObject: 8, inSet: 4 } as const;

export const ADDRESS_SIZE = 4;

/** What stands there in a collection of which a local has the address. */
export const field = (local: number, offset: number) => [...get(local), ...load(offset)];
const add = (local: number, step: number) => [...get(local), ...constant(step), OP.i32Add, ...set(local)];

/** `body` sees each item of an array at the address in `item`. It may begin no block that it does not end, and may return. */
export function eachItem(
  array: number,
  [item, left]: readonly [number, number],
  body: readonly number[],
): readonly number[] {
  return [
    ...[...field(array, ARRAY_FIELD.items), ...set(item), ...field(array, ARRAY_FIELD.count), ...set(left)],
    ...[OP.block, NO_RESULT, OP.loop, NO_RESULT, ...get(left), OP.i32Eqz, OP.brIf, 1, ...body],
    ...[...add(item, ARRAY_ITEM.size), ...add(left, -1), OP.br, 0, OP.end, OP.end],
  ];
}

type TableLocals = readonly [member: number, bucket: number, left: number, nextAt: number];

/** The same of an object or a set, in the order of the table. */
export function eachMember(
  table: number,
  [member, bucket, left, nextAt]: TableLocals,
  body: readonly number[],
): readonly number[] {
  return [
    ...[...constant(NEXT.inObject), ...constant(NEXT.inSet)],
    ...[...get(table), ...loadByte(0), ...constant(OBJECT_TYPE), OP.i32Eq, OP.select, ...set(nextAt)],
    ...[...field(table, TABLE_FIELD.buckets), ...set(bucket), ...field(table, TABLE_FIELD.bucketCount), ...set(left)],
    ...[
      OP.block,
      NO_RESULT,
      OP.loop,
      NO_RESULT,
      ...get(left),
      OP.i32Eqz,
      OP.brIf,
      1,
      ...field(bucket, 0),
      ...set(member),
    ],
    ...[OP.block, NO_RESULT, OP.loop, NO_RESULT, ...get(member), OP.i32Eqz, OP.brIf, 1, ...body],
    ...[...get(member), ...get(nextAt), OP.i32Add, ...load(0), ...set(member), OP.br, 0, OP.end, OP.end],
    ...[...add(bucket, ADDRESS_SIZE), ...add(left, -1), OP.br, 0, OP.end, OP.end],
  ];
}
