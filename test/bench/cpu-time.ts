/** What one call costs in this process: processor time of all threads, which matters less to what else runs on the machine than a clock. */
import { median } from "./figures.ts";

/** In each repetition. */
export const CALLS = 2_000;

/** Median microseconds of one call, garbage collection included. `before` runs ahead of each repetition and counts too little to matter. */
export async function cpuTime(step: () => unknown, repeats: number, before: () => void = () => {}): Promise<number> {
  const each: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    before();
    const begun = process.cpuUsage();
    for (let call = 0; call < CALLS; call += 1) await step();
    const { user, system } = process.cpuUsage(begun);
    each.push((user + system) / CALLS);
  }
  return median(each);
}
