/**
 * Evaluates a policy that was written for opa-envoy-plugin, at the path that the plugin was configured with. The bundle is
 * what `opa build -t wasm -e <path>` makes; where the path leads into a rule's value (`envoy/authz/list/0`), the longest
 * entrypoint on the way is evaluated and the rest is looked up in its value.
 *
 * As in OPA outside of strict mode, a built-in that fails makes its expression undefined and no more: unlike in native
 * mode the outcome of such a rule stands. Never throws; a trap discards the instance.
 */
import { AppError } from "../domain/app-error.ts";
import type { BuiltinTable } from "./builtin.ts";
import { type CompatBundle, loadCompatBundle } from "./compat-bundle.ts";
import { type CompatResult, compatResult } from "./compat-result.ts";
import { createCall, type EvaluationTime } from "./policy-host.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "./rego-value/value.ts";
import { equalRego } from "./rego-value/order.ts";
import { writeGoJson } from "./rego-value/write.ts";
import { DEFAULT_MEMORY, type LinkedPolicy, linkPolicy } from "./wasm/linked-policy.ts";
import { redirectFunctions } from "./wasm/redirect-functions.ts";

export type CompatPolicy = {
  readonly revision: string;
  /** `inputJson`: core/policy/envoy-input/compat-input.ts. */
  evaluate(inputJson: string, time: EvaluationTime): CompatResult;
};

export type CompatPolicyDeps = {
  readonly builtins: BuiltinTable;
  readonly randomBytes: (length: number) => Uint8Array;
};

/** Above this the instance is replaced after an evaluation: WebAssembly memory never shrinks. */
const RECYCLE_ABOVE = DEFAULT_MEMORY.maximumPages * 65_536 * 0.5;

/** @throws AppError invalid_bundle: no module of this ABI, a built-in that is not served here, no entrypoint on the path */
export async function loadCompatPolicy(
  deps: CompatPolicyDeps,
  { bundlePath, path }: { readonly bundlePath: string; readonly path: string },
): Promise<CompatPolicy> {
  const bundle = await loadCompatBundle(bundlePath);
  const module = await compiled(bundle);
  const builtins = new Map([...deps.builtins, ["json.marshal", jsonMarshal] as const]);
  const link = () => linkPolicy(module, builtins, bundle.dataJson, DEFAULT_MEMORY, REDIRECTED);
  let policy: LinkedPolicy | undefined = link();
  const missing = [...policy.builtins.values()].filter((name) => !deps.builtins.has(name)).sort();
  if (missing.length > 0) throw new AppError("invalid_bundle", `built-ins not served here: ${missing.join(", ")}`);
  const { entrypoint, rest } = entrypointFor(path, policy.entrypoints);

  function run(inputJson: string, { nowNs }: EvaluationTime): CompatResult {
    const instance = policy ?? link();
    policy = instance;
    const input = { kind: "json", text: inputJson } as const;
    const outcome = instance.evaluate(entrypoint, input, createCall(nowNs, deps.randomBytes));
    if (outcome.kind === "trap" || instance.memoryBytes() > RECYCLE_ABOVE) policy = undefined;
    if (outcome.kind === "trap") return failed(outcome.message);
    return compatResult(outcome.kind === "value" ? lookUp(outcome.value, rest) : undefined);
  }

  return {
    revision: bundle.revision,
    evaluate(inputJson, time) {
      try {
        return run(inputJson, time);
      } catch (error) {
        policy = undefined;
        return failed(error instanceof AppError ? error.detail : "the policy could not be evaluated");
      }
    },
  };
}

/** NB: text that is not UTF-8, which any client can send, ends an evaluation where it leaves the module. */
function failed(message: string): CompatResult {
  return { kind: "fault", reason: "policy_error", message, echoes: message.includes("illegal utf-8") };
}

/** Numbers for what the module would do by itself, and otherwise than OPA does. */
const REDIRECTED = new Map([[1_000_000, "json.marshal"]]);
const REDIRECTIONS = [{ runtimeName: "opa_json_marshal", builtinId: 1_000_000 }];

/** Keys sorted, `<`, `>` and `&` escaped, as OPA writes JSON. */
function jsonMarshal([value]: readonly RegoValue[]): RegoValue | undefined {
  return value === undefined ? undefined : writeGoJson(value);
}

async function compiled({ wasm }: CompatBundle): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(redirectFunctions(wasm, REDIRECTIONS));
  } catch (error) {
    throw new AppError("invalid_bundle", "the module does not compile", { cause: error });
  }
}

function entrypointFor(path: string, entrypoints: ReadonlyMap<string, number>) {
  const parts = path.split("/").filter((part) => part !== "");
  for (let length = parts.length; length > 0; length--) {
    const entrypoint = entrypoints.get(parts.slice(0, length).join("/"));
    if (entrypoint !== undefined) return { entrypoint, rest: parts.slice(length) };
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
