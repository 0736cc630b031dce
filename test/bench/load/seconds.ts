/**
 * A run second by second. What happens once in a run and is over within a second touches fewer calls than the p99 of the whole run leaves
 * out; so the p99 of the second around it is held against that of a second in which nothing happened.
 */
import { median, quantile } from "../figures.ts";
import type { Loaded } from "./load-spec.ts";

type Kept = Pick<Loaded, "calls" | "begunAtMs">;

/** p99 of the calls that were due within half a second of that moment, however long they took. */
export function secondAround({ calls }: Pick<Kept, "calls">, atMs: number): number {
  return p99(calls, atMs - 500);
}

/** What that is where nothing happens: the median over the seconds of the run. */
export function usualSecond({ calls, begunAtMs }: Kept, seconds: number): number {
  return median(Array.from({ length: seconds }, (_, at) => p99(calls, begunAtMs + at * 1_000)));
}

/** Whether that second lies within what was measured. */
export function holds({ begunAtMs }: Kept, seconds: number, atMs: number): boolean {
  return atMs - 500 >= begunAtMs && atMs + 500 <= begunAtMs + seconds * 1_000;
}

function p99(calls: Kept["calls"], fromMs: number): number {
  const within = calls.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + 1_000);
  return quantile(
    within.map(({ ms }) => ms),
    0.99,
  );
}
