/**
 * Evaluates the active bundle. Activation compiles, links, checks that every imported built-in is served and every entrypoint exists, runs the
 * bundle's self-test and warms up; only then is the bundle swapped in, so the last good one stays after any refusal. If only data differs, the
 * compiled module stays (wasm/policy-module.ts). While another bundle decides, long work is done in a thread (wasm/compile-apart.ts) and the rest
 * in small pieces.
 *
 * Evaluation is synchronous, never throws, and ends within its budget (budget.ts). Outcomes other than a result: evaluation-outcome.ts.
 */
import { createPause } from "../../platform/pause.ts";
import { AppError } from "../domain/app-error.ts";
import type { Verdict } from "../domain/decision.ts";
import type { Routing } from "../domain/routing.ts";
import type { Asking, Replies } from "./asks.ts";
import { type Budget, DEFAULT_BUDGET } from "./budget.ts";
import { notServed } from "./builtins/not-served.ts";
import { type Bundle, CANDIDATES, ENTRYPOINTS } from "./bundle.ts";
import { candidatesOf, type CandidateSets } from "./candidates-result.ts";
import { verdictOf } from "./decision-result.ts";
import { expired, type NoPolicy, NOT_LOADED, type Outcome, outcomeOf, unanswered } from "./evaluation-outcome.ts";
import type { InputReads } from "./input-reads.ts";
import { type MayReview, mayReviewOf } from "./may-review-result.ts";
import { nativeBuiltins, WATCHED_BY_ID, WATCHING } from "./native-builtins.ts";
import { plainOf } from "./rego-value/plain.ts";
import type { RegoValue } from "./rego-value/value.ts";
import { type RouteNames, routeOf } from "./route-result.ts";
import { differenceText, meets } from "./self-test.ts";
import { contractFault, tooDearFault } from "./warm-up.ts";
import type { CompileJob } from "./wasm/compile-apart.ts";
import { type PolicyModule, policyModule } from "./wasm/policy-module.ts";
import { createPolicyRunner, type PolicyRunner, type RunnerDeps } from "./wasm/policy-runner.ts";

type Activation =
  /** `compiled`: the module is another one than before; else only its data was loaded anew. */
  | { readonly kind: "activated"; readonly revision: string; readonly compiled: boolean }
  | {
      readonly kind: "refused";
      readonly reason:
        | "invalid_module"
        | "missing_builtin"
        | "missing_entrypoint"
        | "self_test_failed"
        | "warm_up_failed";
      readonly detail: string;
    };

/** The moment of an evaluation, in nanoseconds since the epoch: what `time.now_ns` answers. */
export type EvaluationTime = { readonly nowNs: bigint };

/** `fuelUsed`: what it cost, the same for the same input; 0 where nothing was evaluated. */
type Decided = { readonly verdict: Verdict; readonly fuelUsed: number };

export type PolicyHost = {
  /** Undefined before the first activation. */
  revision(): string | undefined;
  /** Parts of the input that have to be there; undefined: all. */
  inputReads(): InputReads | undefined;
  activate(bundle: Bundle): Promise<Activation>;
  /** `inputJson` is the whole input document as JSON text (core/policy/envoy-input). */
  decide(inputJson: string, time: EvaluationTime, replies?: Replies): Decided;
  /** A policy may ask the network. A promise, which never rejects, only where it does. */
  decideAsking(inputJson: string, time: EvaluationTime, asking: Asking): Decided | Promise<Decided>;
  route(inputJson: string, time: EvaluationTime): Routing | NoPolicy;
  mayReview(inputJson: string, time: EvaluationTime): MayReview | NoPolicy;
  /** Whether the active bundle has the optional entrypoint. */
  offersCandidates(): boolean;
  candidates(inputJson: string, time: EvaluationTime): { readonly sets: CandidateSets; readonly fuelUsed: number };
};

type PolicyHostOptions = RouteNames & {
  /** Of one evaluation. */
  readonly budget?: Budget;
  /** Evaluations before a bundle is swapped in: V8 compiles the hot functions meanwhile. */
  readonly warmUps?: number;
  /** Where nobody decides by it: a policy that is too dear for `budget` is taken. */
  readonly anyPrice?: boolean;
};

type Active = {
  readonly revision: string;
  readonly module: PolicyModule;
  readonly inputReads: InputReads | undefined;
  readonly endsNs: bigint | undefined;
  readonly policy: PolicyRunner;
  readonly entrypoints: Readonly<Record<keyof typeof ENTRYPOINTS, number>>;
};

const DEFAULT_WARM_UPS = 200;
/** Checks go on while a bundle is tried. */
const PAUSE_AFTER_MS = 0.5;
const WARM_UP_INPUT = '{"parsed_path":[""],"parsed_query":{},"parsed_body":null,"truncated_body":false}';

export function createPolicyHost(deps: RunnerDeps, options: PolicyHostOptions): PolicyHost {
  const budget = options.budget ?? DEFAULT_BUDGET;
  const warmUps = options.warmUps ?? DEFAULT_WARM_UPS;
  const verdicts = new WeakMap<object, Verdict>();
  let active: Active | undefined;

  function run(
    { policy, entrypoints }: Active,
    entrypoint: keyof typeof ENTRYPOINTS,
    inputJson: string,
    nowNs: bigint,
    replies?: Replies,
  ): Outcome {
    return outcomeOf(policy.run(entrypoints[entrypoint], { kind: "json", text: inputJson }, nowNs, replies));
  }

  async function selfTest(target: Active, { selfTest: cases = [] }: Bundle): Promise<Refusal | undefined> {
    const pause = createPause(PAUSE_AFTER_MS);
    for (const { name, entrypoint, inputJson, nowNs, expect } of cases) {
      const outcome = run(target, entrypoint, inputJson, nowNs);
      const got = outcome.kind === "value" && outcome.value !== undefined ? plainOf(outcome.value) : undefined;
      if (!meets(got, expect)) {
        const said = outcome.kind === "fault" ? outcome.fault.reason : differenceText(got, expect);
        return { kind: "refused", reason: "self_test_failed", detail: `case ${JSON.stringify(name)}: ${said}` };
      }
      await pause();
    }
    return undefined;
  }

  /** For the thread that compiles: what the policy will be asked here, and its own cases, which are like what comes later. */
  function jobOf({ wasm, dataJson, selfTest: cases = [] }: Bundle): CompileJob {
    const own = cases.map(({ entrypoint, inputJson }) => ({ entrypoint: ENTRYPOINTS[entrypoint], inputJson }));
    const questions = [{ entrypoint: ENTRYPOINTS.decide, inputJson: WARM_UP_INPUT }, ...own];
    return { wasm, redirections: WATCHING, warmUp: { dataJson, budget, questions, times: warmUps } };
  }

  /** `isWarm`: the module was active before or comes out of the thread, compiled as far as it will be. */
  async function warmUp(target: Active, isWarm: boolean): Promise<Refusal | undefined> {
    const pause = createPause(PAUSE_AFTER_MS);
    const times = isWarm ? 1 : warmUps;
    for (let count = 0; count < times; count++) {
      const evaluation = target.policy.run(target.entrypoints.decide, { kind: "json", text: WARM_UP_INPUT }, 0n);
      const detail = contractFault(evaluation) ?? (options.anyPrice ? undefined : tooDearFault(evaluation));
      if (detail !== undefined) return { kind: "refused", reason: "warm_up_failed", detail };
      await pause();
    }
    return undefined;
  }

  function evaluate(
    entrypoint: keyof typeof ENTRYPOINTS,
    inputJson: string,
    { nowNs }: EvaluationTime,
    replies?: Replies,
  ): Outcome {
    if (active === undefined) return NOT_LOADED;
    return expired(active, nowNs) ?? run(active, entrypoint, inputJson, nowNs, replies);
  }

  function decided(outcome: Outcome): Decided {
    const verdict = outcome.kind === "value" ? rememberedVerdict(outcome.value) : outcome.fault;
    return { verdict, fuelUsed: outcome.fuelUsed };
  }

  /** A result that was given before to the letter is the same value (wasm/linked-policy.ts), with the same meaning. */
  function rememberedVerdict(value: RegoValue | undefined): Verdict {
    if (typeof value !== "object" || value === null) return verdictOf(value);
    const known = verdicts.get(value);
    if (known !== undefined) return known;
    const verdict = verdictOf(value);
    verdicts.set(value, verdict);
    return verdict;
  }

  return {
    revision: () => active?.revision,
    inputReads: () => active?.inputReads,
    async activate(bundle) {
      const isFirst = active === undefined;
      const candidate = await prepare(bundle, () => policyModule(jobOf(bundle), active?.module), deps, budget);
      if (candidate.kind === "refused") return candidate;
      const { compiled } = candidate.active.module;
      const isWarm = !compiled || !isFirst;
      const refusal = (await selfTest(candidate.active, bundle)) ?? (await warmUp(candidate.active, isWarm));
      if (refusal !== undefined) return refusal;
      active = candidate.active;
      return { kind: "activated", revision: bundle.revision, compiled };
    },
    decide: (inputJson, time, replies) => decided(evaluate("decide", inputJson, time, replies)),
    decideAsking(inputJson, { nowNs }, asking) {
      if (active === undefined) return decided(NOT_LOADED);
      const ended = expired(active, nowNs);
      if (ended !== undefined) return decided(ended);
      const { policy, entrypoints } = active;
      const evaluation = policy.runAsking(entrypoints.decide, { kind: "json", text: inputJson }, nowNs, asking);
      return evaluation instanceof Promise
        ? evaluation.then((last) => decided(outcomeOf(last)))
        : decided(outcomeOf(evaluation));
    },
    route(inputJson, time) {
      const outcome = evaluate("route", inputJson, time);
      if (outcome.kind === "value") return routeOf(outcome.value, options);
      return unanswered(outcome.fault, "failed");
    },
    mayReview(inputJson, time) {
      const outcome = evaluate("mayReview", inputJson, time);
      return outcome.kind === "value" ? mayReviewOf(outcome.value) : unanswered(outcome.fault, "fault");
    },
    offersCandidates: () => active?.policy.entrypoints.has(CANDIDATES) ?? false,
    candidates(inputJson, { nowNs }) {
      const entrypoint = active?.policy.entrypoints.get(CANDIDATES);
      if (active === undefined || entrypoint === undefined) return { sets: { kind: "none" }, fuelUsed: 0 };
      const outcome =
        expired(active, nowNs) ?? outcomeOf(active.policy.run(entrypoint, { kind: "json", text: inputJson }, nowNs));
      const sets = outcome.kind === "value" ? candidatesOf(outcome.value) : outcome.fault;
      return { sets, fuelUsed: outcome.fuelUsed };
    },
  };
}

type Refusal = Extract<Activation, { kind: "refused" }>;
type Prepared = { readonly kind: "prepared"; readonly active: Active } | Refusal;

async function prepare(
  bundle: Bundle,
  compile: () => Promise<PolicyModule>,
  deps: RunnerDeps,
  budget: Budget,
): Promise<Prepared> {
  let module: PolicyModule;
  let policy: PolicyRunner;
  try {
    module = await compile();
    const builtins = nativeBuiltins(deps.builtins);
    const runnable = { module: module.module, dataJson: bundle.dataJson, budget, redirected: WATCHED_BY_ID };
    policy = createPolicyRunner({ ...deps, builtins }, runnable);
  } catch (error) {
    if (error instanceof AppError && error.code === "unavailable") throw error;
    const detail = error instanceof AppError ? error.detail : "the module cannot be linked";
    return { kind: "refused", reason: "invalid_module", detail };
  }
  const missing = notServed(policy.builtins, deps.builtins);
  if (missing !== undefined) return { kind: "refused", reason: "missing_builtin", detail: missing };
  const entrypoints = { decide: -1, route: -1, mayReview: -1 };
  for (const key of ["decide", "route", "mayReview"] as const) {
    const id = policy.entrypoints.get(ENTRYPOINTS[key]);
    if (id === undefined) return { kind: "refused", reason: "missing_entrypoint", detail: ENTRYPOINTS[key] };
    entrypoints[key] = id;
  }
  const { revision, inputReads, validUntil } = bundle;
  const endsNs = validUntil === undefined ? undefined : BigInt(validUntil) * 1_000_000n;
  return { kind: "prepared", active: { revision, inputReads, endsNs, module, policy, entrypoints } };
}
