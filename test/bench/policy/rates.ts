/**
 * How long each kind of work runs until it is stopped, which has to be between 0.2 and 2 times the budget, and how it is charged beside
 * ordinary instructions: what the host does for a policy is to cost between half and one and a half times as much fuel in a millisecond as the
 * median of what the module does by itself. That median is what `FUEL_PER_MS` (core/policy/budget.ts) and the prices of built-ins follow.
 * Processor time, since a budget is work and does not run while the process waits for a processor.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_BUDGET, FUEL_PER_MS } from "../../../core/policy/budget.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { loadBundle } from "../../../core/policy/bundle.ts";
import { createPolicyHost, type PolicyHost } from "../../../core/policy/policy-host.ts";
import { makeBundle, NO_APPROVAL } from "../../harness/made-bundle.ts";
import { goal, median, shown, table } from "../figures.ts";
import { HOSTED, type Kind, ORDINARY } from "./kinds.ts";
import { policyOf } from "./kinds-policy.ts";

const REPEATS = 7;
const KINDS = [...ORDINARY, ...HOSTED];

/** `rate`: fuel in a millisecond. `by`: what stopped it. */
type Measured = { readonly kind: Kind; readonly ms: number; readonly rate: number; readonly by: "fuel" | "memory" };

/** All kinds in turn and again, so that a slow moment of the machine falls on all. */
function measure(host: PolicyHost): readonly Measured[] {
  const runs = KINDS.map(() => ({ ms: Array<number>(), rate: Array<number>(), why: "" }));
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    for (const [at, run] of runs.entries()) {
      const begun = process.threadCpuUsage();
      const { verdict, fuelUsed } = host.decide(JSON.stringify({ case: at, never: -1 }), { nowNs: 0n });
      const { user, system } = process.threadCpuUsage(begun);
      if (verdict.kind !== "fault") throw new Error(`${KINDS[at]?.name} ended by itself`);
      run.ms.push((user + system) / 1_000);
      run.rate.push((fuelUsed * 1_000) / (user + system));
      run.why = verdict.detail;
    }
  }
  return KINDS.flatMap((kind, at) => {
    const { ms = [], rate = [], why = "" } = runs[at] ?? {};
    return [{ kind, ms: median(ms), rate: median(rate), by: why.includes("memory") ? "memory" : "fuel" }];
  });
}

export async function fuelRates(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  try {
    await makeBundle(folder, [policyOf(KINDS), NO_APPROVAL], {});
    const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() };
    const host = createPolicyHost(deps, { defaultRealm: "corp", budget: DEFAULT_BUDGET, warmUps: 0 });
    const activation = await host.activate(await loadBundle(folder));
    if (activation.kind === "refused") throw new Error(activation.detail);
    const measured = measure(host);
    const metered = measured.filter(({ kind, by }) => ORDINARY.includes(kind) && by === "fuel");
    const ordinary = median(metered.map(({ rate }) => rate));
    const rows = measured.map(({ kind, ms, rate, by }) => {
      const isNear = ms >= 0.2 * DEFAULT_BUDGET.timeMs && ms <= 2 * DEFAULT_BUDGET.timeMs;
      const ratio = rate / ordinary;
      const isFair = ratio >= 0.5 && ratio <= 1.5;
      const price = HOSTED.includes(kind) ? goal(ratio, isFair, "0.5 to 1.5") : shown(ratio);
      return [kind.name, HOSTED.includes(kind) ? "host" : "module", goal(ms, isNear, "10 to 100"), price, by];
    });
    return [
      `How long evaluations without end last under the default budget of ${DEFAULT_BUDGET.timeMs} ms and ${DEFAULT_BUDGET.memoryMib} MiB, by what they do; medians of ${REPEATS} in processor time of the thread, the linking of a fresh instance included. Price: fuel for a millisecond, beside the median of what the module does by itself (${shown(ordinary / FUEL_PER_MS)} of the ${FUEL_PER_MS.toLocaleString("en")} units that a millisecond is counted as).`,
      table(["", "done by", "stopped after ms", "× price of ordinary instructions", "stopped by"], rows),
    ].join("\n\n");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
