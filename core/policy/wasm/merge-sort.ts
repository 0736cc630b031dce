/** A function of a module that sorts values of OPA's runtime by n log n comparisons; its own compares each with each. */
import { call, constant, get, load, set, store } from "./binary/assemble.ts";
import { I32, NO_RESULT, OP } from "./binary/opcodes.ts";

/** Indices of functions of the runtime. */
export type Runtime = { readonly compare: number; readonly allocate: number; readonly free: number };

/**
 * `sorted(values, count)`: `values` are addresses of values, and have room for one more. Where they are then: in order, with a 0 behind them.
 * Of two halves that are in order a longer one is made, from runs of one on.
 */
export function sorting({ compare, allocate, free }: Runtime): Uint8Array {
  const [values, count, spare, run, left, middle, right, i, j, out] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const at = (base: number, place: number) => [...get(base), ...get(place), ...constant(2), OP.i32Shl, OP.i32Add];
  const item = (base: number, place: number) => [...at(base, place), ...load(0)];
  const increase = (local: number) => [...get(local), ...constant(1), OP.i32Add, ...set(local)];
  const size = [...get(count), ...constant(1), OP.i32Add, ...constant(2), OP.i32Shl];
  /** But no further than all. */
  const behind = (from: number, to: number) => [
    ...[...get(from), ...get(run), OP.i32Add, ...set(to)],
    ...[...get(to), ...get(count), OP.i32GtU, OP.if, NO_RESULT, ...get(count), ...set(to), OP.end],
  ];
  const take = (place: number) => [...item(values, place), ...increase(place)];
  const isLeftNext = [
    ...[...get(i), ...get(middle), OP.i32LtU, OP.if, I32],
    ...[...get(j), ...get(right), OP.i32GeU, OP.if, I32, ...constant(1), OP.else],
    ...[...item(values, i), ...item(values, j), ...call(compare), ...constant(1), OP.i32LtS, OP.end],
    ...[OP.else, ...constant(0), OP.end],
  ];
  const merge = [
    ...[OP.block, NO_RESULT, OP.loop, NO_RESULT, ...get(out), ...get(right), OP.i32GeU, OP.brIf, 1],
    ...[...at(spare, out), ...isLeftNext, OP.if, I32, ...take(i), OP.else, ...take(j), OP.end, ...store(0)],
    ...[...increase(out), OP.br, 0, OP.end, OP.end],
  ];
  const halves = [
    ...[OP.block, NO_RESULT, OP.loop, NO_RESULT, ...get(left), ...get(count), OP.i32GeU, OP.brIf, 1],
    ...[...behind(left, middle), ...behind(middle, right)],
    ...[...get(left), ...set(i), ...get(left), ...set(out), ...get(middle), ...set(j), ...merge],
    ...[...get(right), ...set(left), OP.br, 0, OP.end, OP.end],
  ];
  const swap = [...get(values), ...get(spare), ...set(values), ...set(spare)];
  return Uint8Array.of(
    ...[1, 8, I32, ...size, ...call(allocate), ...set(spare), ...constant(1), ...set(run)],
    ...[OP.block, NO_RESULT, OP.loop, NO_RESULT, ...get(run), ...get(count), OP.i32GeU, OP.brIf, 1],
    ...[...constant(0), ...set(left), ...halves, ...swap],
    ...[...get(run), ...constant(1), OP.i32Shl, ...set(run), OP.br, 0, OP.end, OP.end],
    ...[...at(values, count), ...constant(0), ...store(0)],
    ...[...get(spare), ...call(free), ...get(values), OP.end],
  );
}
