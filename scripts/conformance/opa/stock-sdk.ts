/**
 * The same module through @open-policy-agent/opa-wasm as it comes: its own built-ins, input and result as plain
 * JavaScript values. An input that holds sets is handed over as text, which its fast path takes.
 */
import { loadPolicy } from "@open-policy-agent/opa-wasm";
import { parseValue } from "../../../core/policy/rego-value/parse.ts";
import { isRegoArray, RegoObject } from "../../../core/policy/rego-value/value.ts";
import type { InputText } from "../../../core/policy/wasm/linked-policy.ts";
import { type Answer, bindingsOf } from "./answer.ts";
import type { CompiledCase } from "./compile-cases.ts";

const MEMORY = { initial: 5, maximum: 1024 };

export async function evaluateWithStockSdk({ test, wasm }: CompiledCase): Promise<Answer> {
  try {
    const policy = await loadPolicy(Uint8Array.from(wasm), MEMORY);
    policy.setData(JSON.parse(test.dataJson));
    const result: unknown = policy.evaluate(inputOf(test.input), test.entrypoint);
    const [first] = listOf(JSON.stringify(result));
    return bindingsOf(test, first instanceof RegoObject ? first.get("result") : undefined);
  } catch (error) {
    return { kind: "error", message: String(error) };
  }
}

function inputOf(input: InputText): unknown {
  if (input.kind === "none") return undefined;
  if (input.kind === "json") return JSON.parse(input.text);
  return Uint8Array.from(Buffer.from(input.text)).buffer;
}

function listOf(json: string) {
  const value = parseValue(json, "json");
  return isRegoArray(value) ? value : [];
}
