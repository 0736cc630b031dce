/**
 * Evaluates one compiled policy again and again over instances of it: an instance that trapped or was stopped, or whose
 * memory has grown over half of what it may (WebAssembly memory never shrinks), is dropped, and the next evaluation links a
 * fresh one from the compiled module.
 */
import { createHash } from "node:crypto";
import { AppError } from "../../domain/app-error.ts";
import { allowanceOf, type Budget, pagesOf } from "../budget.ts";
import type { BuiltinTable } from "../builtin.ts";
import type { EvaluationContext } from "./builtin-calls.ts";
import type { Evaluation } from "./evaluation.ts";
import { type InputText, type LinkedPolicy, linkPolicy } from "./linked-policy.ts";

export type PolicyRunner = {
  /** Names of the built-ins that the module wants from its host. */
  readonly builtins: readonly string[];
  readonly entrypoints: ReadonlyMap<string, number>;
  /** Never throws. Times are nanoseconds since the epoch. */
  run(entrypoint: number, input: InputText, nowNs: bigint): Evaluation;
};

export type RunnerDeps = {
  readonly builtins: BuiltinTable;
  /** A source of randomness for `uuid.rfc4122` and `rand.intn`. */
  readonly randomBytes: (length: number) => Uint8Array;
  readonly monotonicMs: () => number;
};

type Runnable = {
  /** From compile-policy.ts. */
  readonly module: WebAssembly.Module;
  readonly dataJson: string;
  readonly budget: Budget;
  /** Built-ins by the numbers that redirect-functions.ts wrote into the module. */
  readonly redirected?: ReadonlyMap<number, string>;
};

/** @throws AppError invalid_bundle when the module is not of this ABI or its data cannot be loaded */
export function createPolicyRunner(deps: RunnerDeps, { module, budget, ...more }: Runnable): PolicyRunner {
  const { builtins, monotonicMs } = deps;
  const allowance = allowanceOf(budget);
  const link = () => linkPolicy(module, { builtins, monotonicMs, maximumPages: pagesOf(budget), ...more });
  const first = link();
  const recycleAbove = Math.max(first.memoryBytes(), pagesOf(budget) * 65_536 * 0.5);
  let policy: LinkedPolicy | undefined = first;

  return {
    builtins: [...first.builtins.values()],
    entrypoints: first.entrypoints,
    run(entrypoint, input, nowNs) {
      try {
        policy ??= link();
      } catch (error) {
        const message = error instanceof AppError ? error.detail : "the policy cannot be linked";
        return { kind: "trap", message, failures: [], fuelUsed: 0 };
      }
      const evaluation = policy.evaluate(entrypoint, input, contextOf(nowNs, deps.randomBytes), allowance);
      const { kind } = evaluation;
      if (kind === "trap" || kind === "exceeded" || policy.memoryBytes() > recycleAbove) policy = undefined;
      return evaluation;
    },
  };
}

/** Random bytes that are the same for the same purpose within one evaluation; the seed is drawn on first use. */
function contextOf(nowNs: bigint, randomBytes: (length: number) => Uint8Array): EvaluationContext {
  let seed: Uint8Array | undefined;
  return {
    nowNs,
    randomBytes(purpose, length) {
      seed ??= randomBytes(32);
      return createHash("sha256").update(seed).update(purpose).digest().subarray(0, length);
    },
  };
}
