/**
 * How much slower than usual this machine is at the moment, for limits that say how long something takes on a usual one. Told by what never changes
 * with our code: a start of Node that runs nothing, as it is met in the same minutes. So who is only on a slow machine does not fail, and what takes
 * twice as long as it did fails on each.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Of a bare start on the machine of docs/performance.md: while nothing else runs, and beside the load of services under crashes. */
const USUAL_MS = { processor: 25, clock: 60 };

/** Beyond that no limit grows: who is so slow fails, whatever the machine. */
const SLOWEST = 2.5;

type BareStart = { readonly processorMs: number; readonly clockMs: number };

type Slowness = {
  /** By processor time: what a slower processor changes, and one that is shared. */
  readonly processor: number;
  /** By the clock: what others take of the processors, too. */
  readonly clock: number;
};

async function bareStart(): Promise<BareStart> {
  const begun = performance.now();
  const program = "const { user, system } = process.cpuUsage(); console.log((user + system) / 1_000)";
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", program], { env: {} });
  return { processorMs: Number(stdout), clockMs: performance.now() - begun };
}

/** Looks now and then; `slowness` is of all looks so far, each figure 1 at least. */
export function createSlowness() {
  const starts: BareStart[] = [];
  const times = (of: readonly number[], usual: number) =>
    Math.min(SLOWEST, Math.max(1, (of.toSorted((one, other) => one - other)[of.length >> 1] ?? usual) / usual));
  return {
    async look(): Promise<void> {
      starts.push(await bareStart());
    },
    slowness(): Slowness {
      return {
        processor: times(
          starts.map(({ processorMs }) => processorMs),
          USUAL_MS.processor,
        ),
        clock: times(
          starts.map(({ clockMs }) => clockMs),
          USUAL_MS.clock,
        ),
      };
    },
  };
}
