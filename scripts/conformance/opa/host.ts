/** One case through our own host: the linked module, our registry, the input as the case gives it. */
import { randomBytes } from "node:crypto";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { createCall } from "../../../core/policy/policy-host.ts";
import { type LinkedPolicy, linkPolicy } from "../../../core/policy/wasm/linked-policy.ts";
import { type Answer, bindingsOf } from "./answer.ts";
import type { CompiledCase } from "./compile-cases.ts";

export async function evaluateWithHost({ test, wasm }: CompiledCase, nowNs: bigint): Promise<Answer> {
  let policy: LinkedPolicy;
  try {
    policy = linkPolicy(await WebAssembly.compile(wasm), BUILTINS, test.dataJson);
  } catch (error) {
    return { kind: "refused", message: String(error) };
  }
  const missing = [...policy.builtins.values()].filter((name) => !BUILTINS.has(name));
  if (missing.length > 0) {
    const names = missing.toSorted().join(", ");
    return { kind: "refused", message: `not served here: ${names}`, cause: `not served: ${names}` };
  }
  const entrypoint = policy.entrypoints.get(test.entrypoint);
  if (entrypoint === undefined) return { kind: "refused", message: "the entrypoint is missing" };
  const evaluation = policy.evaluate(entrypoint, test.input, createCall(nowNs, randomBytes));
  if (evaluation.kind === "trap") return { kind: "error", message: evaluation.message };
  return bindingsOf(test, evaluation.kind === "value" ? evaluation.value : undefined);
}
