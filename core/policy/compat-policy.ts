/**
 * Evaluates an opa-envoy-plugin policy at the path that the plugin was configured with. The bundle is the output of `opa build -t wasm -e
 * <path>`; if the path leads into a rule's value (`envoy/authz/list/0`), the longest entrypoint on the way is evaluated and the rest is looked up
 * in its value.
 *
 * As in OPA outside strict mode, a failing built-in makes its expression undefined and no more: unlike in native mode, the result of such a rule
 * stands. Never throws; a trap discards the instance.
 */
import { createPause } from "../../platform/pause.ts";
import { AppError, unreachable } from "../domain/app-error.ts";
import type { Instant } from "../domain/time.ts";
import type { Asking, Replies } from "./asks.ts";
import { type Budget, DEFAULT_BUDGET } from "./budget.ts";
import { notServed } from "./builtins/not-served.ts";
import { ENTRYPOINTS } from "./bundle.ts";
import type { BundleFiles } from "./bundles/bundle-files.ts";
import { compatBundleOf } from "./compat-bundle.ts";
import { type CompatResult, compatResult } from "./compat-result.ts";
import { compatSelfTestOf } from "./compat-self-test.ts";
import { exceededText, unansweredText } from "./evaluation-outcome.ts";
import { OPA_ANSWERS, OPA_ANSWERS_BY_ID, OPA_REDIRECTIONS } from "./opa-answers.ts";
import type { EvaluationTime } from "./policy-host.ts";
import { plainOf } from "./rego-value/plain.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "./rego-value/value.ts";
import { equalRego } from "./rego-value/order.ts";
import { type Case, meets, SELF_TEST_FILE } from "./self-test.ts";
import type { Evaluation } from "./wasm/evaluation.ts";
import { tooDearFault } from "./warm-up.ts";
import { type PolicyModule, policyModule } from "./wasm/policy-module.ts";
import { createPolicyRunner, type RunnerDeps } from "./wasm/policy-runner.ts";

export type CompatPolicy = {
  readonly revision: string;
  /** Of the bundle's own test, all passed. */
  readonly cases: number;
  readonly module: PolicyModule;
  /** `inputJson`: core/policy/envoy-input/compat-input.ts. */
  evaluate(inputJson: string, time: EvaluationTime, replies?: Replies): Evaluated;
  /** The policy may ask the network. A promise, which never rejects, only where it does. */
  evaluateAsking(inputJson: string, time: EvaluationTime, asking: Asking): Evaluated | Promise<Evaluated>;
};

type Evaluated = { readonly result: CompatResult; readonly fuelUsed: number };

type CompatPolicyOptions = {
  readonly files: BundleFiles;
  readonly path: string;
  /** From the bundle's signature: from then on it decides nothing (`policy_expired`). */
  readonly validUntil?: Instant | undefined;
  /** Of one evaluation. */
  readonly budget?: Budget;
  /** Where nobody decides by it: a policy that is too dear for `budget` is taken. */
  readonly anyPrice?: boolean;
  /** Of the bundle that decides meanwhile. */
  readonly active?: PolicyModule | undefined;
};

/**
 * Has run the bundle's own test, and evaluated once, so that the first call does not find a cold module.
 * @throws AppError invalid_bundle: no module of this ABI, a built-in that is not served here, no entrypoint on the path, a case that fails, an
 * empty call that costs more than the budget
 */
export async function loadCompatPolicy(
  deps: RunnerDeps,
  { files, path, validUntil, budget = DEFAULT_BUDGET, anyPrice = false, active }: CompatPolicyOptions,
): Promise<CompatPolicy> {
  const { wasm, dataJson, revision } = await compatBundleOf(files);
  const builtins = new Map([...deps.builtins, ...OPA_ANSWERS]);
  const compiled = await policyModule({ wasm, redirections: OPA_REDIRECTIONS }, active);
  const { module } = compiled;
  const policy = createPolicyRunner({ ...deps, builtins }, { module, dataJson, budget, redirected: OPA_ANSWERS_BY_ID });
  const missing = notServed(policy.builtins, deps.builtins);
  if (missing !== undefined) throw new AppError("invalid_bundle", `built-ins ${missing}`);
  const endsNs = validUntil === undefined ? undefined : BigInt(validUntil) * 1_000_000n;
  const { entrypoint, rest } = entrypointFor(path, policy.entrypoints);
  const cases = compatSelfTestOf(files);
  await passSelfTest(cases, ({ name, inputJson, nowNs }) => {
    const evaluation = policy.run(entrypoint, { kind: "json", text: inputJson }, nowNs);
    if (evaluation.kind === "asks")
      throw new AppError("invalid_bundle", `${caseNamed(name)}: ${unansweredText(evaluation)}`);
    return evaluation.kind === "value" ? lookUp(evaluation.value, rest) : undefined;
  });
  // NB: whatever it says: OPA takes a policy that has no answer to an empty input, and so does whoever comes from there.
  const tooDear = tooDearFault(policy.run(entrypoint, { kind: "json", text: WARM_UP_INPUT }, 0n));
  if (tooDear !== undefined && !anyPrice) throw new AppError("invalid_bundle", tooDear);

  function resultOf(evaluation: Evaluation): CompatResult {
    switch (evaluation.kind) {
      case "value":
        return compatResult(lookUp(evaluation.value, rest));
      case "undefined":
        return compatResult(undefined);
      case "trap":
        return failed(evaluation.message);
      case "oversize":
        return { kind: "fault", reason: "policy_result_invalid", message: "the result is too large", echoes: true };
      case "exceeded":
        // NB: brought about by what a client sent, so it never becomes a gRPC error that lets it through.
        return { kind: "fault", reason: "policy_budget_exceeded", message: exceededText(evaluation), echoes: true };
      case "asks":
        return { kind: "fault", reason: "policy_ask_unanswered", message: unansweredText(evaluation), echoes: true };
      default:
        throw unreachable(evaluation satisfies never);
    }
  }

  const hasEnded = (nowNs: bigint) => endsNs !== undefined && nowNs >= endsNs;
  const evaluated = (evaluation: Evaluation): Evaluated => ({
    result: resultOf(evaluation),
    fuelUsed: evaluation.fuelUsed,
  });

  return {
    revision,
    cases: cases.length,
    module: compiled,
    evaluate(inputJson, { nowNs }, replies) {
      if (hasEnded(nowNs)) return EXPIRED;
      return evaluated(policy.run(entrypoint, { kind: "json", text: inputJson }, nowNs, replies));
    },
    evaluateAsking(inputJson, { nowNs }, asking) {
      if (hasEnded(nowNs)) return EXPIRED;
      const evaluation = policy.runAsking(entrypoint, { kind: "json", text: inputJson }, nowNs, asking);
      return evaluation instanceof Promise ? evaluation.then(evaluated) : evaluated(evaluation);
    },
  };
}

const WARM_UP_INPUT =
  '{"attributes":{},"parsed_path":[""],"parsed_query":{},"parsed_body":null,"truncated_body":false}';
/** Checks go on while a bundle is tried. */
const PAUSE_AFTER_MS = 0.5;

const caseNamed = (name: string) => `${SELF_TEST_FILE}: case ${JSON.stringify(name)}`;

async function passSelfTest(cases: readonly Case[], valueOf: (one: Case) => RegoValue | undefined): Promise<void> {
  const pause = createPause(PAUSE_AFTER_MS);
  for (const one of cases) {
    const value = valueOf(one);
    if (!meets(value === undefined ? undefined : plainOf(value), one.expect)) {
      throw new AppError("invalid_bundle", `${caseNamed(one.name)} fails`);
    }
    await pause();
  }
}

/** NB: never what a client brought about, and never a gRPC error either, which some proxies let through. */
const EXPIRED: Evaluated = {
  result: {
    kind: "fault",
    reason: "policy_expired",
    message: "the bundle was signed to decide until a moment that has passed",
    echoes: true,
  },
  fuelUsed: 0,
};

/** NB: the runtime traps at texts that any client can send; of all traps only two values of one rule are the policy's own doing. */
function failed(message: string): CompatResult {
  const isConflict = /^aborted: .*conflict/s.test(message);
  return { kind: "fault", reason: "policy_error", message, echoes: !isConflict };
}

function entrypointFor(path: string, entrypoints: ReadonlyMap<string, number>) {
  const parts = path.split("/").filter((part) => part !== "");
  for (let length = parts.length; length > 0; length--) {
    const entrypoint = entrypoints.get(parts.slice(0, length).join("/"));
    if (entrypoint !== undefined) return { entrypoint, rest: parts.slice(length) };
  }
  if (entrypoints.has(ENTRYPOINTS.decide)) {
    const why = "it is a bundle of countersign.policies, which needs what compatibility mode does not know: who calls";
    const what = "as a candidate it is asked with bundle.shadow.native: true";
    throw new AppError("invalid_bundle", `no entrypoint of the bundle lies on ${path}; ${why}; ${what}`);
  }
  const known = [...entrypoints.keys()].join(", ");
  throw new AppError(
    "invalid_bundle",
    `no entrypoint of the bundle lies on ${path}; build it with -e ${parts.join("/")} (it has: ${known})`,
  );
}

/** As OPA resolves a reference: an integer is an index or a number, everything else is text. */
function lookUp(value: RegoValue, path: readonly string[]): RegoValue | undefined {
  let at: RegoValue | undefined = value;
  for (const part of path) {
    const key: RegoValue = /^-?\d+$/.test(part) ? new RegoNumber(String(Number(part))) : part;
    at = at === undefined ? undefined : memberOf(at, key);
  }
  return at;
}

function memberOf(value: RegoValue, key: RegoValue): RegoValue | undefined {
  if (value instanceof RegoObject) return value.get(key);
  if (value instanceof RegoSet) return value.items.find((item) => equalRego(item, key));
  return isRegoArray(value) && key instanceof RegoNumber ? value[Number(key.text)] : undefined;
}
