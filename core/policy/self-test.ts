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
  return casesIn(files, (value) => {
    if (!schema.Check(value)) throw new AppError("invalid_bundle", schema.Errors(value)[0]?.message ?? "not valid");
    return value.cases.map((one) => ({ ...caseOf(one), entrypoint: one.entrypoint }));
  });
}

/**
 * What `read` makes of the file; none when the bundle brings none. `form`: what is said behind each fault.
 * @throws AppError invalid_bundle: a file of another form is never passed over
 */
export function casesIn<C extends Case>(
  files: BundleFiles,
  read: (value: unknown) => readonly C[],
  form = "",
): readonly C[] {
  const bytes = files.get(SELF_TEST_FILE);
  if (bytes === undefined) return [];
  try {
    return read(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch (error) {
    const why = error instanceof AppError ? error.detail : "not JSON";
    throw new AppError("invalid_bundle", `${SELF_TEST_FILE}: ${why}${form}`, { cause: error });
  }
}

type WrittenCase = { readonly name: string; readonly time: string; readonly input: unknown; readonly expect: unknown };

export function caseOf({ name, time, input, expect }: WrittenCase): Case {
  return {
    name,
    nowNs: BigInt(parseRfc3339(time)) * 1_000_000n,
    inputJson: JSON.stringify(input),
    expect: jsonOf(expect),
  };
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
