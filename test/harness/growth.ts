/** How much more processor time a built-in takes for larger arguments, and how much more it is paid. */
import { expect } from "@jest/globals";
import { PER_NESTED_VALUE, PER_RESULT_CHARACTER, priceOf } from "../../core/policy/builtins/prices.ts";
import { parseCounted } from "../../core/policy/rego-value/parse.ts";
import { builtinCall, runBuiltin } from "./run-builtin.ts";

const REPEATS = 5;
/** The processor time of a thread is told in steps of a millisecond and more. */
const ROUND_US = 6_000;
const WARM_UP_US = 15_000;

type Growth = { readonly time: number; readonly paid: number };

/** Of one call, reading its arguments included; both are Rego text, without the brackets around. */
export function growthOf(name: string, small: string, large: string): Growth {
  runFor(WARM_UP_US, name, small);
  const [before, after] = [measured(name, small), measured(name, large)];
  return { time: after.us / before.us, paid: after.paid / before.paid };
}

function runOnce(name: string, args: string): { readonly us: number; readonly paid: number } {
  const price = priceOf(name);
  const given = `[${args}]`;
  let paid = price.call + given.length * price.perCharacter + parseCounted(given, "rego").count * PER_NESTED_VALUE;
  const call = { ...builtinCall, pay: (units: number) => void (paid += units) };
  const begun = process.threadCpuUsage();
  const answer = runBuiltin(name, given, call);
  const { user, system } = process.threadCpuUsage(begun);
  expect(["error", "limit"]).not.toContain(answer);
  return { us: user + system, paid: paid + answer.length * PER_RESULT_CHARACTER };
}

function runFor(us: number, name: string, args: string): number {
  let [spent, runs] = [0, 0];
  for (; spent < us; runs++) spent += runOnce(name, args).us;
  return spent / runs;
}

/** Medians, since a busy machine stops a run now and then. */
function measured(name: string, args: string): { readonly us: number; readonly paid: number } {
  const times = Array.from({ length: REPEATS }, () => runFor(ROUND_US, name, args));
  return { us: times.toSorted((a, b) => a - b)[REPEATS >> 1] ?? 0, paid: runOnce(name, args).paid };
}
