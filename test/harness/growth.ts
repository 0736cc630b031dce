/** How much more processor time a call takes for larger arguments, and how much more it is paid. */
import { expect } from "@jest/globals";
import { PER_NESTED_VALUE, PER_RESULT_CHARACTER, priceOf } from "../../core/policy/builtins/prices.ts";
import { parseCounted } from "../../core/policy/rego-value/parse.ts";
import { builtinCall, runBuiltin } from "./run-builtin.ts";
import { threadUs } from "./thread-time.ts";

/** Of both sizes in turn, so that a slow minute slows both. */
const ROUNDS = { least: 4, most: 24 };
/** Long beside what it costs to read the time, short beside how often other machines take the processor away. */
const ROUND_US = 3_000;
const WARM_UP_US = 12_000;

type Growth = { readonly time: number; readonly paid: number };
/** Makes the call ready; each run of it says what it paid. */
export type PaidCall = (args: string) => () => number;

/**
 * From the least time that each size took in any round: what else a machine does only adds to it. What grows by `margin` times as much as it is
 * paid is measured again before that is said: a call whose price is wrong does so each time.
 */
export function growthOf(call: PaidCall, small: string, large: string, margin: number): Growth {
  const [before, after] = [measured(call(small)), measured(call(large))];
  const paid = after.paid / before.paid;
  let time = Number.POSITIVE_INFINITY;
  for (let round = 1; round <= ROUNDS.least || (round <= ROUNDS.most && time >= margin * paid); round += 1)
    time = after.leastUs() / before.leastUs();
  return { time, paid };
}

/** A built-in, reading its arguments included; they are Rego text, without the brackets around. */
export function builtinNamed(name: string): PaidCall {
  const price = priceOf(name);
  return (args) => {
    const given = `[${args}]`;
    const begin = price.call + given.length * price.perCharacter + parseCounted(given, "rego").count * PER_NESTED_VALUE;
    return () => {
      let paid = begin;
      const answer = runBuiltin(name, given, { ...builtinCall, pay: (units) => void (paid += units) });
      expect(["error", "limit"]).not.toContain(answer);
      return paid + answer.length * PER_RESULT_CHARACTER;
    };
  };
}

/** Warmed up; `leastUs` runs it again for a round, as often as it takes. */
function measured(run: () => number): { readonly paid: number; leastUs(): number } {
  const paid = run();
  const runsFor = (us: number) => {
    for (let runs = 1; ; runs *= 2) if (timeOf(run, runs) * runs >= us) return runs;
  };
  runsFor(WARM_UP_US);
  const runs = runsFor(ROUND_US);
  let least = Number.POSITIVE_INFINITY;
  return {
    paid,
    leastUs() {
      least = Math.min(least, timeOf(run, runs));
      return least;
    },
  };
}

function timeOf(run: () => number, runs: number): number {
  const begun = threadUs();
  for (let done = 0; done < runs; done += 1) run();
  return (threadUs() - begun) / runs;
}
