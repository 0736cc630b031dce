/**
 * Evaluations without end, as a process of its own: inputs of up to 64 KB, a few runaways among them, all through one
 * host. Answers the memory of the process along the way, collected before it is read.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { Verdict } from "../../../core/domain/decision.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { loadBundle } from "../../../core/policy/bundle.ts";
import { createPolicyHost } from "../../../core/policy/policy-host.ts";
import { answerWith, given } from "../child.ts";
import { sampleInput } from "./sample-input.ts";

const SAMPLES = 20;
const LARGEST = 65_536;
/** One in so many breaks its instance. */
const EVERY_RUNAWAY = 1_000;

const { evaluations } = Compile(Type.Object({ evaluations: Type.Integer() })).Parse(await given());
setFlagsFromString("--expose-gc");
const collect: unknown = runInNewContext("gc");
const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() };
const bundle = await loadBundle(join(import.meta.dirname, "../../../rego/bundle"));
const host = createPolicyHost(deps, { defaultRealm: "corp" });
await host.activate(bundle);

/** Sizes from 256 bytes to 64 KB, each doubling as often as the others. */
const inputs = ["GET", "DELETE", "POST"].flatMap((method) =>
  Array.from({ length: 9 }, (_, power) => {
    const fill = "x".repeat(Math.max(0, Math.min(LARGEST, 256 << power) - 200));
    const { attributes: _attributes, ...input } = sampleInput(method);
    return JSON.stringify({ ...input, parsed_body: { amount: 40.1, order: 7, fill } });
  }),
);
/** Deeper than the module's own parser can go: the instance traps and is dropped. */
const runaway = `{"action":${"[".repeat(100_000)}`;

const begun = performance.now();
const memory: { readonly rssMib: number; readonly heapMib: number; readonly youngMib: number }[] = [];
for (let count = 1; count <= evaluations; count += 1) {
  const input = count % EVERY_RUNAWAY === 0 ? runaway : (inputs[count % inputs.length] ?? "{}");
  const { verdict } = host.decide(input, { nowNs: 1_795_514_400_000_000_000n });
  if ((verdict.kind === "fault") !== (input === runaway)) stop(count, input, verdict);
  if (count % Math.floor(evaluations / SAMPLES) === 0) {
    if (typeof collect === "function") collect();
    await new Promise((resolve) => setImmediate(resolve));
    const { rss, heapUsed } = process.memoryUsage();
    const young = getHeapSpaceStatistics().find((space) => space.space_name === "new_space")?.space_size ?? 0;
    memory.push({ rssMib: rss / 2 ** 20, heapMib: heapUsed / 2 ** 20, youngMib: young / 2 ** 20 });
    say(count, rss);
  }
}
answerWith(memory);

/** NB: on standard error; the answer is the one line on standard output. */
function say(count: number, rss: number): void {
  const seconds = (performance.now() - begun) / 1_000;
  const left = Math.round(((evaluations - count) * seconds) / count);
  process.stderr.write(
    `${count.toLocaleString("en")} of ${evaluations.toLocaleString("en")} evaluations, ${Math.round(rss / 2 ** 20)} MiB, ${Math.round((seconds * 1e6) / count)} µs each, about ${left} s left\n`,
  );
}

/** Inputs follow from the count alone, so the count is their seed. */
function stop(count: number, input: string, verdict: Verdict): never {
  const said = verdict.kind === "fault" ? `${verdict.reason}: ${verdict.detail}` : verdict.kind;
  const which = input === runaway ? "the runaway" : `number ${count % inputs.length}`;
  throw new Error(
    `evaluation ${count}, input ${which} (${input.length} characters): ${said}\n${input.slice(0, 2_000)}`,
  );
}
