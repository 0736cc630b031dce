/**
 * Evaluations of the sample policies in this process, all kinds interleaved, in microseconds: by our host from the input
 * object to the verdict, of the whole input and of what its policies read; by the stock SDK's `evaluate()`; by our runner
 * with and without fuel; and by our runner in a worker thread that is asked by message. Answers its figures as JSON.
 */
import { isDeepStrictEqual } from "node:util";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { loadPolicy } from "@open-policy-agent/opa-wasm";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { DEFAULT_BUDGET } from "../../../core/policy/budget.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { ENTRYPOINTS, loadBundle } from "../../../core/policy/bundle.ts";
import { createPolicyHost } from "../../../core/policy/policy-host.ts";
import { plainOf } from "../../../core/policy/rego-value/plain.ts";
import { compilePolicy } from "../../../core/policy/wasm/compile-policy.ts";
import { createPolicyRunner } from "../../../core/policy/wasm/policy-runner.ts";
import { answerWith, given } from "../child.ts";
import { inputText, sampleInput } from "./sample-input.ts";
import { compileUnmetered } from "./unmetered.ts";

const BUNDLE = join(import.meta.dirname, "../../../rego/bundle");
const WARM_UPS = 5_000;
/** About a millisecond of them: whatever else the machine runs interrupts some of the batches and not all. */
const CALLS = 50;
/** In front of each batch, not timed: what another kind of work left in the caches is not what this one costs. */
const FIRST_CALLS = 10;
const NOW_NS = 1_795_514_400_000_000_000n;

const { rounds } = Compile(Type.Object({ rounds: Type.Integer() })).Parse(await given());
const bundle = await loadBundle(BUNDLE);
const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() };
const host = createPolicyHost(deps, { defaultRealm: "corp" });
const activation = await host.activate(bundle);
if (activation.kind === "refused") throw new Error(activation.detail);

const runnerOf = (module: WebAssembly.Module) =>
  createPolicyRunner(deps, { module, dataJson: bundle.dataJson, budget: DEFAULT_BUDGET });
const metered = runnerOf(await compilePolicy(bundle.wasm));
const unmetered = runnerOf(await compileUnmetered(bundle.wasm));
const entrypoint = metered.entrypoints.get(ENTRYPOINTS.decide) ?? -1;
const stock = await loadPolicy(Uint8Array.from(bundle.wasm), { initial: 8, maximum: 1_024 });
stock.setData(JSON.parse(bundle.dataJson));
const worker = new Worker(join(import.meta.dirname, "worker.ts"), { workerData: { bundle: BUNDLE } });

function inWorker(text: string): Promise<unknown> {
  return new Promise((resolve) => {
    worker.once("message", resolve);
    worker.postMessage(text);
  });
}

type Timed = { readonly [name: string]: readonly number[] };

async function compare(steps: { readonly [name: string]: () => unknown }): Promise<Timed> {
  const times: Record<string, number[]> = {};
  for (const [name, step] of Object.entries(steps)) {
    times[name] = [];
    for (let call = 0; call < WARM_UPS; call += 1) await step();
  }
  // There and back: two kinds that are compared go first in turn, since the second finds their common code warm.
  const [there, back] = [Object.entries(steps), Object.entries(steps).toReversed()];
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, step] of round % 2 === 0 ? there : back) {
      for (let call = 0; call < FIRST_CALLS; call += 1) await step();
      const begun = performance.now();
      if (name.startsWith("worker")) for (let call = 0; call < CALLS; call += 1) await step();
      else for (let call = 0; call < CALLS; call += 1) step();
      times[name]?.push(((performance.now() - begun) * 1_000) / CALLS);
    }
  }
  return times;
}

type Figures = { readonly timed: Timed; readonly fuelUsed: number; readonly fuelUsedWhole: number };

const figures: { [method: string]: Figures } = {};
for (const method of ["GET", "DELETE"]) {
  const input = sampleInput(method);
  const read = inputText(input, host.inputReads());
  const whole = JSON.stringify(input);
  const run = (runner: typeof metered, text: string) => runner.run(entrypoint, { kind: "json", text }, NOW_NS);
  const ours = run(metered, read);
  const stockAnswer: unknown = stock.evaluate(input, ENTRYPOINTS.decide);
  const value = ours.kind === "value" ? plainOf(ours.value) : undefined;
  if (!isDeepStrictEqual(sorted([{ result: value }]), sorted(stockAnswer))) throw new Error("the answers differ");
  figures[method] = {
    fuelUsed: ours.fuelUsed,
    fuelUsedWhole: run(metered, whole).fuelUsed,
    timed: await compare({
      host: () => host.decide(inputText(input, host.inputReads()), { nowNs: NOW_NS }),
      hostWhole: () => host.decide(JSON.stringify(input), { nowNs: NOW_NS }),
      stock: () => stock.evaluate(input, ENTRYPOINTS.decide),
      metered: () => run(metered, read),
      unmetered: () => run(unmetered, read),
      meteredWhole: () => run(metered, whole),
      unmeteredWhole: () => run(unmetered, whole),
      worker: () => inWorker(read),
    }),
  };
}
await worker.terminate();
answerWith(figures);

/** Sets arrive in any order from the SDK. */
function sorted(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, item: unknown) => {
    if (Array.isArray(item)) return item.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
    if (typeof item !== "object" || item === null) return item;
    return Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => a.localeCompare(b)));
  });
}
