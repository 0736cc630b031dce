/**
 * Evaluates one compiled policy again and again over instances of it: an instance that trapped or was stopped, or whose
 * memory has grown over half of what it may (WebAssembly memory never shrinks), is dropped, and the next evaluation links a
 * fresh one from the compiled module.
 */
import { createHash } from "node:crypto";
import { AppError } from "../../domain/app-error.ts";
import { type Asking, NOBODY_ASKS, NO_REPLIES, type Replies, Unanswered } from "../asks.ts";
import { allowanceOf, type Budget, pagesOf } from "../budget.ts";
import type { BuiltinTable } from "../builtin.ts";
import type { EvaluationContext } from "./builtin-calls.ts";
import type { Evaluation } from "./evaluation.ts";
import { type InputText, type LinkedPolicy, linkPolicy } from "./linked-policy.ts";
import { untilAnswered } from "./until-answered.ts";

export type PolicyRunner = {
  /** Names of the built-ins that the module wants from its host. */
  readonly builtins: readonly string[];
  readonly entrypoints: ReadonlyMap<string, number>;
  /** Never throws. Times are nanoseconds since the epoch. */
  run(entrypoint: number, input: InputText, nowNs: bigint, replies?: Replies): Evaluation;
  /** Never rejects. A promise only where the policy asks something of the network. */
  runAsking(entrypoint: number, input: InputText, nowNs: bigint, asking: Asking): Evaluation | Promise<Evaluation>;
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

  function attempt(entrypoint: number, input: InputText, context: AskingContext, fuel: number): Evaluation {
    try {
      policy ??= link();
    } catch (error) {
      const message = error instanceof AppError ? error.detail : "the policy cannot be linked";
      return { kind: "trap", message, failures: [], fuelUsed: 0 };
    }
    const evaluation = policy.evaluate(entrypoint, input, context, { ...allowance, fuel });
    const { kind, fuelUsed } = evaluation;
    if (kind === "trap" || kind === "exceeded" || policy.memoryBytes() > recycleAbove) policy = undefined;
    const asked = context.takeAsked();
    // Nothing is left to evaluate with once there is an answer.
    if (kind === "exceeded" && evaluation.what === "time") return evaluation;
    return asked === undefined ? evaluation : { kind: "asks", asked, why: NOBODY_ASKS, failures: [], fuelUsed };
  }

  return {
    builtins: [...first.builtins.values()],
    entrypoints: first.entrypoints,
    run(entrypoint, input, nowNs, replies = NO_REPLIES) {
      return attempt(entrypoint, input, contextOf(nowNs, deps.randomBytes, replies), allowance.fuel);
    },
    runAsking(entrypoint, input, nowNs, asking) {
      const context = contextOf(nowNs, deps.randomBytes, asking.replies);
      return untilAnswered((fuel) => attempt(entrypoint, input, context, fuel), allowance.fuel, asking);
    },
  };
}

type AskingContext = EvaluationContext & {
  /** The first question of the evaluation that has just ended, to which there was no reply. */
  takeAsked(): Unanswered | undefined;
};

/** Random bytes that are the same for the same purpose within one decision; the seed is drawn on first use. */
function contextOf(nowNs: bigint, randomBytes: (length: number) => Uint8Array, replies: Replies): AskingContext {
  let seed: Uint8Array | undefined;
  let asked: Unanswered | undefined;
  return {
    nowNs,
    reply(builtin, key, ask) {
      const name = `${builtin} ${key}`;
      const known = replies.get(name);
      if (known !== undefined) return known;
      const unanswered = new Unanswered(builtin, name, ask);
      asked ??= unanswered;
      throw unanswered;
    },
    takeAsked() {
      const taken = asked;
      asked = undefined;
      return taken;
    },
    randomBytes(purpose, length) {
      seed ??= randomBytes(32);
      return createHash("sha256").update(seed).update(purpose).digest().subarray(0, length);
    },
  };
}
