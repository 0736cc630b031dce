/**
 * Reads the case files of a folder. Numbers keep their text: the cases are about digits that `JSON.parse` would lose. A
 * file that is not of the format is an error, never a case fewer.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { InputText } from "../../../core/policy/wasm/linked-policy.ts";
import { parseValue } from "../../../core/policy/rego-value/parse.ts";
import { isRegoArray, RegoObject, type RegoValue } from "../../../core/policy/rego-value/value.ts";
import { writeJson } from "../../../core/policy/rego-value/write.ts";

type Want =
  | { readonly kind: "bindings"; readonly bindings: readonly RegoValue[] }
  | { readonly kind: "error"; readonly code: string };

export type OpaCase = {
  readonly id: string;
  /** False when the case does not compile, or when WebAssembly answers otherwise whatever the host does. */
  readonly counts: boolean;
  readonly modules: readonly string[];
  readonly entrypoint: string;
  /** The variable that the entrypoint's value is bound to; undefined when the value is the list of bindings. */
  readonly variable: string | undefined;
  readonly dataJson: string;
  readonly input: InputText;
  readonly want: Want;
  /** Arrays bound directly to a variable are compared as sets. */
  readonly sortBindings: boolean;
  /** Every array is compared as a set: the answer went through the module's own order of set elements. */
  readonly unordered: boolean;
};

export async function readCases(directory: string): Promise<readonly OpaCase[]> {
  const files = (await readdir(directory)).filter((name) => name.endsWith(".json")).sort();
  if (files.length === 0) throw new Error(`no cases in ${directory}`);
  const lists = await Promise.all(
    files.map(async (name) => {
      const value = parseValue(await readFile(path.join(directory, name), "utf8"), "json");
      return listOf(value, name).map((item) => caseOf(objectOf(item, name)));
    }),
  );
  return lists.flat();
}

function caseOf(raw: RegoObject): OpaCase {
  const id = textOf(raw, "id");
  const strict = raw.get("strict_error") === true;
  const queryModule = raw.get("query_module");
  const modules = listOf(raw.get("modules") ?? [], id).map((text) => stringOf(text, id));
  const result = objectOf(raw.get("result") ?? null, id);
  return {
    id,
    counts: raw.get("compiles") !== false && !raw.has("wasm_differs"),
    modules: queryModule === undefined ? modules : [...modules, stringOf(queryModule, id)],
    entrypoint: textOf(raw, "entrypoint"),
    variable: textOf(result, "kind") === "value" ? textOf(result, "var") : undefined,
    dataJson: writeJson(raw.get("data") ?? new RegoObject([])),
    input: inputOf(raw, id),
    want: wantOf(raw, strict, id),
    sortBindings: raw.get("sort_bindings") === true,
    unordered: raw.get("unordered") === true,
  };
}

function inputOf(raw: RegoObject, id: string): InputText {
  const [json, term] = [raw.get("input"), raw.get("input_term")];
  if (term !== undefined) return { kind: "rego", text: stringOf(term, id) };
  return json === undefined ? { kind: "none" } : { kind: "json", text: writeJson(json) };
}

/** A compiled module runs without strict mode; what OPA 1.20.2 was seen to answer goes before what the source says. */
function wantOf(raw: RegoObject, strict: boolean, id: string): Want {
  const observed = raw.get("observed_opa_1_20_2");
  const bindings = observed ?? raw.get(strict ? "want_nonstrict" : "want_result");
  if (bindings !== undefined) return { kind: "bindings", bindings: listOf(bindings, id) };
  return { kind: "error", code: textOf(raw, "want_error_code") };
}

function textOf(object: RegoObject, key: string): string {
  return stringOf(object.get(key) ?? null, key);
}

function stringOf(value: RegoValue, where: string): string {
  if (typeof value === "string") return value;
  throw new Error(`${where}: not a string`);
}

function listOf(value: RegoValue, where: string): readonly RegoValue[] {
  if (isRegoArray(value)) return value;
  throw new Error(`${where}: not a list`);
}

function objectOf(value: RegoValue, where: string): RegoObject {
  if (value instanceof RegoObject) return value;
  throw new Error(`${where}: not an object`);
}
