/**
 * What one evaluation of a policy may cost, as configured and as the host counts it. Fuel counts instructions of the module (wasm/meter-fuel.ts),
 * all of a function or loop when it is entered, so a millisecond holds more or fewer of them depending on what the policy does. At the rate
 * below, a kind of work is to take between 10 and 100 ms of processor time under a budget of 50 ms; docs/performance.md names those that do not.
 * The amount of work is the same on every machine; on a slower or busy processor it takes longer, with the same result.
 */
import type { Allowance } from "./wasm/linked-policy.ts";
import { MAX_FUEL } from "./wasm/meter-fuel.ts";

export type Budget = {
  readonly timeMs: number;
  readonly memoryMib: number;
};

export const DEFAULT_BUDGET: Budget = { timeMs: 50, memoryMib: 64 };

/** Measured by `npm run bench -- policy`: docs/performance.md, and why fuel at all: docs/adr/0009-fuel.md. */
export const FUEL_PER_MS = 2_700_000;

/** Beyond this the counter of 32 bits ends. */
export const LONGEST_BUDGET_MS = Math.floor(MAX_FUEL / FUEL_PER_MS);

const PAGES_PER_MIB = 16;
/**
 * Built-ins pay by the work that they do; the clock is the last resort against one whose price is wrong by far. NB: it also
 * runs while the process waits for a processor, so it is far above what a busy machine makes of a budget: nobody is to be
 * denied for that.
 */
const LEAST_BUILTIN_MS = 2_000;

export function allowanceOf({ timeMs }: Budget): Allowance {
  return { fuel: Math.min(MAX_FUEL, timeMs * FUEL_PER_MS), builtinMs: Math.max(LEAST_BUILTIN_MS, 20 * timeMs) };
}

export function pagesOf({ memoryMib }: Budget): number {
  return memoryMib * PAGES_PER_MIB;
}
