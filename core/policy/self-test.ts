/**
 * The cases that a bundle contains (`self-test.json`) and has to pass before it decides anything: inputs, and the expected result of each. An
 * expected object is compared by the keys that it names, so that a case says only what it is about; lists and plain values must be equal.
 *
 *     {"cases": [{"name": "…", "entrypoint": "decide", "time": "2026-11-24T10:00:00Z", "input": {…}, "expect": {"outcome": "deny"}}]}
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { AppError } from "../domain/app-error.ts";
import type { Json } from "../domain/subject.ts";
import { parseRfc3339 } from "../domain/time.ts";
import type { BundleFiles } from "./bundles/bundle-files.ts";
import { parseValue } from "./rego-value/parse.ts";
import { isRegoArray, RegoObject } from "./rego-value/value.ts";
import { writeJson } from "./rego-value/write.ts";

/** A key of `ENTRYPOINTS` (bundle.ts). */
type Entrypoint = "decide" | "route" | "mayReview";

export const SELF_TEST_FILE = "self-test.json";

/** A case, whichever mode its bundle is for. */
export type Case = {
  readonly name: string;
  readonly nowNs: bigint;
  readonly inputJson: string;
  readonly expect: Json;
};

export type SelfTestCase = Case & { readonly entrypoint: Entrypoint };

export const MAX_CASES = 1_000;
const SelfTest = Type.Object(
  {
    cases: Type.Array(
      Type.Object(
        {
          name: Type.String({ minLength: 1, maxLength: 256 }),
          entrypoint: Type.Union([Type.Literal("decide"), Type.Literal("route"), Type.Literal("mayReview")]),
          time: Type.String(),
          input: Type.Unknown(),
          expect: Type.Record(Type.String(), Type.Unknown()),
        },
        { additionalProperties: false },
      ),
      { maxItems: MAX_CASES },
    ),
  },
  { additionalProperties: false },
);
const schema = Compile(SelfTest);

/** None when the bundle brings none. @throws AppError invalid_bundle */
export function selfTestOf(files: BundleFiles): readonly SelfTestCase[] {
  return casesIn(files, (value, inputs) => {
    if (!schema.Check(value)) throw new AppError("invalid_bundle", schema.Errors(value)[0]?.message ?? "not valid");
    return value.cases.map((one, at) => ({ ...caseOf(one, inputs[at]), entrypoint: one.entrypoint }));
  });
}

/**
 * What `read` makes of the file and of the inputs of its cases, as they are written there: a plain number would lose digits. None when the
 * bundle brings none. `form`: what is said behind each fault.
 * @throws AppError invalid_bundle: a file of another form is never passed over
 */
export function casesIn<C extends Case>(
  files: BundleFiles,
  read: (value: unknown, inputs: readonly string[]) => readonly C[],
  form = "",
): readonly C[] {
  const bytes = files.get(SELF_TEST_FILE);
  if (bytes === undefined) return [];
  try {
    const text = Buffer.from(bytes).toString("utf8");
    return read(JSON.parse(text), inputTexts(text));
  } catch (error) {
    const why = error instanceof AppError ? error.detail : "not JSON";
    throw new AppError("invalid_bundle", `${SELF_TEST_FILE}: ${why}${form}`, { cause: error });
  }
}

function inputTexts(text: string): readonly string[] {
  const file = parseValue(text, "json");
  const cases = file instanceof RegoObject ? file.get("cases") : undefined;
  if (!isRegoArray(cases)) return [];
  return cases.map((one) => writeJson((one instanceof RegoObject ? one.get("input") : undefined) ?? null));
}

type WrittenCase = { readonly name: string; readonly time: string; readonly expect: unknown };

/** `inputJson`: as it is written in the file. */
export function caseOf({ name, time, expect }: WrittenCase, inputJson: string | undefined): Case {
  if (inputJson === undefined) throw new AppError("invalid_bundle", `case ${JSON.stringify(name)} has no input`);
  return {
    name,
    nowNs: BigInt(parseRfc3339(time)) * 1_000_000n,
    inputJson,
    expect: jsonOf(expect),
  };
}

/** Whether `got` says all that is expected. */
export function meets(got: Json | undefined, expected: Json): boolean {
  if (!isJsonObject(expected)) return got !== undefined && equalJson(got, expected);
  if (got === undefined || !isJsonObject(got)) return false;
  return Object.entries(expected).every(([key, value]) => meets(Object.hasOwn(got, key) ? got[key] : undefined, value));
}

/** What a case got in place of what it expects, by the keys that it names, and beside it which rules said so; for its author. */
export function differenceText(got: Json | undefined, expected: Json): string {
  if (got === undefined || !isJsonObject(got) || !isJsonObject(expected)) return `it is ${shortened(got)}`;
  const differing = Object.entries(expected).flatMap(([key, value]) => {
    const own = Object.hasOwn(got, key) ? got[key] : undefined;
    return meets(own, value) ? [] : [`${key} is ${shortened(own)} and not ${shortened(value)}`];
  });
  const said = ["reasons", "elevations"].flatMap((key) => {
    const own = Object.hasOwn(got, key) ? got[key] : undefined;
    const isSaid = own !== undefined && isJsonList(own) && own.length > 0 && !Object.hasOwn(expected, key);
    return isSaid ? [`${key} ${shortened(own)}`] : [];
  });
  return [...differing, ...said].join("; ");
}

const MAX_SHOWN = 200;

function shortened(value: Json | undefined): string {
  const text = value === undefined ? "undefined" : JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

function equalJson(one: Json, other: Json): boolean {
  if (isJsonList(one) && isJsonList(other)) {
    return one.length === other.length && one.every((item, at) => meets(item, other[at] ?? null));
  }
  return one === other;
}

function jsonOf(value: unknown): Json {
  if (value === null || typeof value === "boolean" || typeof value === "string" || typeof value === "number")
    return value;
  if (Array.isArray(value)) return value.map(jsonOf);
  return Object.fromEntries(Object.entries(value ?? {}).map(([key, item]) => [key, jsonOf(item)]));
}

function isJsonList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isJsonObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !isJsonList(value);
}
