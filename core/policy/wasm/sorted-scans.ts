/**
 * Lets the loops of a policy over sets and objects go in the order of their values, as OPA's evaluator does, and not in that of the runtime's
 * hash table, where that can be seen (visible-scans.ts): in `[x | some x in set]`, and with `walk`. To sort takes longer than to go through, so
 * all other loops stay as they are. `sort` itself takes n log n comparisons, and not as many as the square like the runtime's own.
 */
import { type Change, changed } from "./binary/changes.ts";
import { turnsOf } from "./binary/code.ts";
import { ByteReader } from "./binary/byte-reader.ts";
import type { Functions } from "./binary/functions.ts";
import { call, constant, get, load, set } from "./binary/assemble.ts";
import { writeUnsigned32 } from "./binary/leb128.ts";
import { I32, NO_RESULT, OP } from "./binary/opcodes.ts";
import { sorting } from "./merge-sort.ts";
import { ADDRESS_SIZE, TABLE_COUNT } from "./runtime-collections.ts";
import { sortingArray, sortingItems, sortingWalk } from "./sorted-items.ts";
import { type Scan, visibleScans } from "./visible-scans.ts";

/** Indices of functions. */
type Targets = { readonly iterate: number; readonly sorted: number; readonly free: number };

/** Of a rule or a function, by its path. */
const OF_A_RULE = /^g\d+\./;

/** False where nothing is to be sorted, or by no functions that are known. */
export function sortScans(functions: Functions, names: ReadonlyMap<string, number>): boolean {
  const [iterate, append, makeArray] = ["opa_value_iter", "opa_array_append", "opa_array_with_cap"].map((name) =>
    names.get(name),
  );
  const [compare, allocate, free] = ["opa_value_compare", "opa_malloc", "opa_free"].map((name) => names.get(name));
  if (iterate === undefined || append === undefined || makeArray === undefined) return false;
  if (compare === undefined || allocate === undefined || free === undefined) return false;
  const rules = [...names].flatMap(([name, index]) => {
    const scans = OF_A_RULE.test(name) ? visibleScans(functions.bodyOf(index), { iterate, append, makeArray }) : [];
    return scans.length === 0 ? [] : [{ index, scans }];
  });
  const arraySort = names.get("opa_array_sort");
  if (rules.length === 0 && arraySort === undefined) return false;
  const sort = functions.append(compare, sorting({ compare, allocate, free }));
  const sortsArray = sortingArray({ allocate, free }, sort);
  if (arraySort !== undefined) functions.replace(arraySort, sortsArray);
  const sorted = functions.append(allocate, sortingItems(allocate, sort));
  const walk = names.get("opa_value_transitive_closure");
  const sortArray = arraySort ?? functions.append(append, sortsArray);
  const walked = walk === undefined ? undefined : functions.append(walk, sortingWalk(walk, sortArray));
  for (const { index, scans } of rules) {
    const body = functions.bodyOf(index);
    const { change, first } = moreLocals(body, functions.parametersOf(index), LOCALS * scans.length);
    const loops = scans.map((scan, at) => sortedScan(scan, first + LOCALS * at, { iterate, sorted, free }));
    const walks = walk === undefined || walked === undefined ? [] : sortedWalks(body, scans, walk, walked);
    functions.replace(index, changed(body, [change, ...loops, ...walks]));
  }
  return true;
}

/** Of its own to each loop: what comes next, or 0 where nothing had to be sorted; where that begins, and of which collection of how many it is. */
const LOCALS = 4;

/**
 * NB: a loop inside another one is entered again and again. What is in order is kept for as long as it is entered with the same collection: the
 * address says so, since the runtime frees no value that a policy has seen before the evaluation ends, nor adds to one that a loop goes over.
 */
function sortedScan({ from, to, source, key }: Scan, first: number, { iterate, sorted, free }: Targets): Change {
  const [next, start, of, count] = [first, first + 1, first + 2, first + 3];
  const countOf = [...get(source), ...load(TABLE_COUNT)];
  const isKept = [
    ...[...get(start), OP.if, I32, ...get(source), ...get(of), OP.i32Eq, OP.if, I32],
    ...[...countOf, ...get(count), OP.i32Eq, OP.else, ...constant(0), OP.end, OP.else, ...constant(0), OP.end],
  ];
  const sort = [
    ...[...get(start), OP.if, NO_RESULT, ...get(start), ...call(free), OP.end],
    ...[...get(source), ...set(of), ...get(source), ...call(sorted), ...set(start)],
    ...[...get(start), OP.if, NO_RESULT, ...countOf, ...set(count), OP.end],
  ];
  const enter = [...isKept, OP.i32Eqz, OP.if, NO_RESULT, ...sort, OP.end, ...get(start), ...set(next)];
  const code = Uint8Array.of(
    ...[...get(key), OP.i32Eqz, OP.if, NO_RESULT, ...enter, OP.end],
    ...[...get(next), OP.if, I32, ...get(next), ...load(0)],
    ...[...get(next), ...constant(ADDRESS_SIZE), OP.i32Add, ...set(next)],
    ...[OP.else, ...get(source), ...get(key), ...call(iterate), OP.end],
  );
  return { from, to, code };
}

/** The calls of `walk` that such a loop goes over. */
function sortedWalks(body: Uint8Array, scans: readonly Scan[], walk: number, walked: number): readonly Change[] {
  const sources = new Set(scans.map(({ source }) => source));
  return turnsOf(body).turns.flatMap(({ at, end, instruction }) => {
    if (instruction.kind !== "call" || instruction.index !== walk) return [];
    const reader = new ByteReader(body);
    reader.at = end;
    const isGoneOver = reader.byte() === OP.localTee && sources.has(reader.unsigned());
    return isGoneOver ? [{ from: at, to: end, code: Uint8Array.of(...call(walked)) }] : [];
  });
}

/** `first`: the index of the first new one. */
function moreLocals(
  body: Uint8Array,
  parameters: number,
  count: number,
): { readonly change: Change; readonly first: number } {
  const reader = new ByteReader(body);
  const groups = reader.vector(() => ({ count: reader.unsigned(), type: reader.byte() }));
  const written = [...groups, { count, type: I32 }].flatMap((group) => [...writeUnsigned32(group.count), group.type]);
  const code = Uint8Array.of(...writeUnsigned32(groups.length + 1), ...written);
  return {
    change: { from: 0, to: reader.at, code },
    first: groups.reduce((sum, group) => sum + group.count, parameters),
  };
}
