/**
 * Evaluates the active bundle. Activation compiles, links, checks that every imported built-in is served and every
 * entrypoint is there, and warms up; only then is the bundle swapped in, so the last good one stays on any refusal.
 *
 * Evaluation is synchronous and never throws. A trap discards the instance (the next call links a fresh one from the
 * compiled module). NB: an error of a host-served built-in makes the whole result a `policy_error`, whatever else the
 * policy said: the rule it left undefined may have been the deny.
 */
import { createHash } from "node:crypto";
import { AppError } from "../domain/app-error.ts";
import type { Verdict } from "../domain/decision.ts";
import type { Routing } from "../domain/routing.ts";
import { type BuiltinCall, type BuiltinTable } from "./builtin.ts";
import { notServed } from "./builtins/not-served.ts";
import { type Bundle, ENTRYPOINTS } from "./bundle.ts";
import { fault, verdictOf } from "./decision-result.ts";
import { type MayReview, mayReviewOf } from "./may-review-result.ts";
import type { RegoValue } from "./rego-value/value.ts";
import { routeOf } from "./route-result.ts";
import { DEFAULT_MEMORY, type LinkedPolicy, linkPolicy, type MemoryLimits } from "./wasm/linked-policy.ts";

export type Activation =
  | { readonly kind: "activated"; readonly revision: string }
  | {
      readonly kind: "refused";
      readonly reason: "invalid_module" | "missing_builtin" | "missing_entrypoint" | "invalid_data" | "warm_up_failed";
      readonly detail: string;
    };

/** The moment of an evaluation, in nanoseconds since the epoch: what `time.now_ns` answers. */
export type EvaluationTime = { readonly nowNs: bigint };

export type PolicyHost = {
  /** Undefined before the first activation. */
  revision(): string | undefined;
  activate(bundle: Bundle): Promise<Activation>;
  /** `inputJson` is the whole input document as JSON text (core/policy/envoy-input). */
  decide(inputJson: string, time: EvaluationTime): Verdict;
  route(inputJson: string, time: EvaluationTime): Routing;
  mayReview(inputJson: string, time: EvaluationTime): MayReview;
};

export type PolicyHostDeps = {
  readonly builtins: BuiltinTable;
  /** A source of randomness for `uuid.rfc4122` and `rand.intn`. */
  readonly randomBytes: (length: number) => Uint8Array;
};

export type PolicyHostOptions = {
  /** The realm of reviewer sets that name none. */
  readonly defaultRealm: string;
  readonly memory?: MemoryLimits;
  /** Evaluations before a bundle is swapped in: V8 compiles the hot functions meanwhile. */
  readonly warmUps?: number;
};

type Active = {
  readonly revision: string;
  readonly module: WebAssembly.Module;
  readonly dataJson: string;
  readonly entrypoints: Readonly<Record<keyof typeof ENTRYPOINTS, number>>;
  policy: LinkedPolicy | undefined;
};

type Outcome =
  | { readonly kind: "value"; readonly value: RegoValue | undefined }
  | { readonly kind: "fault"; readonly fault: Extract<Verdict, { kind: "fault" }> };

const DEFAULT_WARM_UPS = 200;
const WARM_UP_INPUT = '{"parsed_path":[""],"parsed_query":{},"parsed_body":null,"truncated_body":false}';

export function createPolicyHost(deps: PolicyHostDeps, options: PolicyHostOptions): PolicyHost {
  const memory = options.memory ?? DEFAULT_MEMORY;
  /** Above this the instance is replaced after the evaluation: WebAssembly memory never shrinks. */
  const recycleAbove = memory.maximumPages * 65_536 * 0.5;
  let active: Active | undefined;

  function run(target: Active, entrypoint: keyof typeof ENTRYPOINTS, inputJson: string, nowNs: bigint): Outcome {
    const policy = target.policy ?? linkPolicy(target.module, deps.builtins, target.dataJson, memory);
    target.policy = policy;
    const evaluation = policy.evaluate(
      target.entrypoints[entrypoint],
      { kind: "json", text: inputJson },
      createCall(nowNs, deps.randomBytes),
    );
    if (evaluation.kind === "trap" || policy.memoryBytes() > recycleAbove) target.policy = undefined;
    const failed = evaluation.failures[0];
    if (failed !== undefined) {
      return { kind: "fault", fault: fault("policy_error", `${failed.builtin}: ${failed.message}`) };
    }
    if (evaluation.kind === "trap") {
      const conflict = evaluation.message.includes("conflict");
      return { kind: "fault", fault: fault(conflict ? "policy_conflict" : "policy_error", evaluation.message) };
    }
    return { kind: "value", value: evaluation.kind === "value" ? evaluation.value : undefined };
  }

  function evaluate(entrypoint: keyof typeof ENTRYPOINTS, inputJson: string, { nowNs }: EvaluationTime): Outcome {
    if (active === undefined) return { kind: "fault", fault: fault("policy_not_loaded", "no bundle is active") };
    try {
      return run(active, entrypoint, inputJson, nowNs);
    } catch (error) {
      active.policy = undefined;
      const detail = error instanceof AppError ? error.detail : "the policy could not be evaluated";
      return { kind: "fault", fault: fault("policy_error", detail) };
    }
  }

  return {
    revision: () => active?.revision,
    async activate(bundle) {
      const candidate = await prepare(bundle, deps, memory);
      if (candidate.kind === "refused") return candidate;
      for (let count = 0; count < (options.warmUps ?? DEFAULT_WARM_UPS); count++) {
        const outcome = run(candidate.active, "decide", WARM_UP_INPUT, 0n);
        const verdict = outcome.kind === "value" ? verdictOf(outcome.value) : outcome.fault;
        if (verdict.kind === "fault" && verdict.reason === "policy_result_invalid") {
          return { kind: "refused", reason: "warm_up_failed", detail: verdict.detail };
        }
      }
      active = candidate.active;
      return { kind: "activated", revision: bundle.revision };
    },
    decide(inputJson, time) {
      const outcome = evaluate("decide", inputJson, time);
      return outcome.kind === "value" ? verdictOf(outcome.value) : outcome.fault;
    },
    route(inputJson, time) {
      const outcome = evaluate("route", inputJson, time);
      if (outcome.kind === "value") return routeOf(outcome.value, options.defaultRealm);
      return { kind: "failed", detail: outcome.fault.detail };
    },
    mayReview(inputJson, time) {
      const outcome = evaluate("mayReview", inputJson, time);
      if (outcome.kind === "value") return mayReviewOf(outcome.value);
      return { kind: "fault", detail: outcome.fault.detail };
    },
  };
}

/** Random bytes that are the same for the same purpose within one evaluation; the seed is drawn on first use. */
export function createCall(nowNs: bigint, randomBytes: (length: number) => Uint8Array): BuiltinCall {
  let seed: Uint8Array | undefined;
  return {
    nowNs,
    randomBytes(purpose, length) {
      seed ??= randomBytes(32);
      return createHash("sha256").update(seed).update(purpose).digest().subarray(0, length);
    },
  };
}

type Prepared = { readonly kind: "prepared"; readonly active: Active } | Extract<Activation, { kind: "refused" }>;

async function prepare(bundle: Bundle, deps: PolicyHostDeps, memory: MemoryLimits): Promise<Prepared> {
  let module: WebAssembly.Module;
  let policy: LinkedPolicy;
  try {
    module = await WebAssembly.compile(bundle.wasm);
  } catch {
    return { kind: "refused", reason: "invalid_module", detail: "the module does not compile" };
  }
  try {
    policy = linkPolicy(module, deps.builtins, bundle.dataJson, memory);
  } catch (error) {
    const detail = error instanceof AppError ? error.detail : "the module cannot be linked";
    return { kind: "refused", reason: "invalid_module", detail };
  }
  const missing = notServed(policy.builtins.values(), deps.builtins);
  if (missing !== undefined) return { kind: "refused", reason: "missing_builtin", detail: missing };
  const entrypoints = { decide: -1, route: -1, mayReview: -1 };
  for (const key of ["decide", "route", "mayReview"] as const) {
    const id = policy.entrypoints.get(ENTRYPOINTS[key]);
    if (id === undefined) return { kind: "refused", reason: "missing_entrypoint", detail: ENTRYPOINTS[key] };
    entrypoints[key] = id;
  }
  return {
    kind: "prepared",
    active: { revision: bundle.revision, module, dataJson: bundle.dataJson, entrypoints, policy },
  };
}
