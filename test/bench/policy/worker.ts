/** The alternative to fuel: an evaluation in a thread of its own, unmetered, which could be ended from outside. */
import { randomBytes } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { DEFAULT_BUDGET } from "../../../core/policy/budget.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { ENTRYPOINTS, loadBundle } from "../../../core/policy/bundle.ts";
import { verdictOf } from "../../../core/policy/decision-result.ts";
import { createPolicyRunner } from "../../../core/policy/wasm/policy-runner.ts";
import { compileUnmetered } from "./unmetered.ts";

const { bundle: path } = Compile(Type.Object({ bundle: Type.String() })).Parse(workerData);
const bundle = await loadBundle(path);
const runner = createPolicyRunner(
  { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() },
  { module: await compileUnmetered(bundle.wasm), dataJson: bundle.dataJson, budget: DEFAULT_BUDGET },
);
const entrypoint = runner.entrypoints.get(ENTRYPOINTS.decide) ?? -1;

parentPort?.on("message", (text: unknown) => {
  const evaluation = runner.run(entrypoint, { kind: "json", text: String(text) }, 0n);
  parentPort?.postMessage(verdictOf(evaluation.kind === "value" ? evaluation.value : undefined));
});
