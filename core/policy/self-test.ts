/**
 * The cases that a bundle brings along (`self-test.json`) and has to pass before it decides anything: inputs, and what the policy has to
 * say to each. What is expected is compared by the keys that it names, so that a case says only what it is about; lists and plain values
 * have to be equal.
 *
 *     {"cases": [{"name": "…", "entrypoint": "decide", "time": "2026-11-24T10:00:00Z", "input": {…}, "expect": {"outcome": "deny"}}]}
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { AppError } from "../domain/app-error.ts";
import type { Json } from "../domain/subject.ts";
import { parseRfc3339 } from "../domain/time.ts";
import type { BundleFiles } from "./bundles/bundle-files.ts";

/** A key of `ENTRYPOINTS` (bundle.ts). */
type Entrypoint = "decide" | "route" | "mayReview";

export const SELF_TEST_FILE = "self-test.json";

export type SelfTestCase = {
  readonly name: string;
  readonly entrypoint: Entrypoint;
  readonly nowNs: bigint;
  readonly inputJson: string;
  readonly expect: Json;
};

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
  const bytes = files.get(SELF_TEST_FILE);
  if (bytes === undefined) return [];
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (!schema.Check(value)) throw new AppError("invalid_bundle", schema.Errors(value)[0]?.message ?? "not valid");
    return value.cases.map(({ name, entrypoint, time, input, expect }) => ({
      name,
      entrypoint,
      nowNs: BigInt(parseRfc3339(time)) * 1_000_000n,
      inputJson: JSON.stringify(input),
      expect: jsonOf(expect),
    }));
  } catch (error) {
    const detail = error instanceof AppError ? error.detail : "not JSON";
    throw new AppError("invalid_bundle", `${SELF_TEST_FILE}: ${detail}`, { cause: error });
  }
}

/** Whether `got` says all that is expected. */
export function meets(got: Json | undefined, expected: Json): boolean {
  if (!isJsonObject(expected)) return got !== undefined && equalJson(got, expected);
  if (got === undefined || !isJsonObject(got)) return false;
  return Object.entries(expected).every(([key, value]) => meets(Object.hasOwn(got, key) ? got[key] : undefined, value));
}

function equalJson(one: Json, other: Json): boolean {
  if (isJsonList(one) && isJsonList(other)) {
    return one.length === other.length && one.every((item, at) => meets(item, other[at] ?? null));
  }
  return one === other;
}

export function jsonOf(value: unknown): Json {
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
