/**
 * The thread of compile-apart.ts: compiles what it was given, warms it up, answers once, and ends. It runs at a low
 * priority.
 */
import { randomBytes } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { lowerPriority } from "../../../platform/lower-priority.ts";
import { AppError } from "../../domain/app-error.ts";
import { BUILTINS_AND_NETWORK } from "../builtins/registry.ts";
import { withRuntime } from "../builtins/runtime.ts";
import { nativeBuiltins, WATCHED_BY_ID } from "../native-builtins.ts";
import type { CompileJob, WarmUp } from "./compile-apart.ts";
import { compilePolicy } from "./compile-policy.ts";
import { createPolicyRunner } from "./policy-runner.ts";

/** What is wrong with the policy is for whoever activates it to find. */
function warmUp(module: WebAssembly.Module, { dataJson, budget, questions, times }: WarmUp): void {
  try {
    const builtins = withRuntime(nativeBuiltins(BUILTINS_AND_NETWORK));
    const deps = { builtins, randomBytes, monotonicMs: () => performance.now() };
    const policy = createPolicyRunner(deps, { module, dataJson, budget, redirected: WATCHED_BY_ID });
    for (let count = 0; count < times; count += 1) {
      const question = questions[count % questions.length];
      const entrypoint = policy.entrypoints.get(question?.entrypoint ?? "");
      if (question === undefined || entrypoint === undefined) continue;
      policy.run(entrypoint, { kind: "json", text: question.inputJson }, 0n);
    }
  } catch {
    // As above.
  }
}

const job: CompileJob = workerData;
try {
  lowerPriority();
  const module = await compilePolicy(job.wasm, job.redirections);
  if (job.warmUp !== undefined) warmUp(module, job.warmUp);
  parentPort?.postMessage({ module });
} catch (error) {
  parentPort?.postMessage({ detail: error instanceof AppError ? error.detail : "the module cannot be compiled" });
}
