/**
 * What one evaluation of a policy may cost, as it is configured and as the host counts it. Fuel counts instructions of the
 * module (wasm/meter-fuel.ts), all of a function or loop when it is entered, so a millisecond holds more or fewer of them
 * by what the policy does. The rate below is about that of the slowest work on an idle machine, so that a budget of 50 ms
 * lasts 20 to 50 ms there, longer where much memory is touched or the processor is shared. It is the same amount of work
 * on every machine.
 */
import type { Allowance } from "./wasm/linked-policy.ts";
import { MAX_FUEL } from "./wasm/meter-fuel.ts";

export type Budget = {
  readonly timeMs: number;
  readonly memoryMib: number;
};

export const DEFAULT_BUDGET: Budget = { timeMs: 50, memoryMib: 64 };

/** Measured by `npm run bench -- policy`: docs/performance.md, and why fuel at all: docs/adr/0009-fuel.md. */
export const FUEL_PER_MS = 1_000_000;

/** Beyond this the counter of 32 bits ends. */
export const LONGEST_BUDGET_MS = Math.floor(MAX_FUEL / FUEL_PER_MS);

const PAGES_PER_MIB = 16;
/**
 * Built-ins pay before they run; the clock is only for what takes much longer than its price says. NB: it also runs while
 * the process waits for a processor, so it must not be short: nobody is to be denied for that. Envoy itself waits 200 ms.
 */
const LEAST_BUILTIN_MS = 200;

export function allowanceOf({ timeMs }: Budget): Allowance {
  return { fuel: Math.min(MAX_FUEL, timeMs * FUEL_PER_MS), builtinMs: Math.max(LEAST_BUILTIN_MS, 4 * timeMs) };
}

export function pagesOf({ memoryMib }: Budget): number {
  return memoryMib * PAGES_PER_MIB;
}
