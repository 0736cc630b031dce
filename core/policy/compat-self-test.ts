/**
 * The cases of a compatibility bundle's `self-test.json`: what the value at the configured path has to be for an input as the plugin would
 * build it. As in native mode (self-test.ts) an object is compared by the keys that are named; unlike there a case names no entrypoint,
 * since there is one path, and may expect a plain boolean.
 *
 *     {"cases": [{"name": "…", "time": "2026-11-24T10:00:00Z", "input": {…}, "expect": true}]}
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { AppError } from "../domain/app-error.ts";
import type { Json } from "../domain/subject.ts";
import { parseRfc3339 } from "../domain/time.ts";
import type { BundleFiles } from "./bundles/bundle-files.ts";
import { jsonOf, MAX_CASES, SELF_TEST_FILE } from "./self-test.ts";

export type CompatCase = {
  readonly name: string;
  readonly nowNs: bigint;
  readonly inputJson: string;
  readonly expect: Json;
};

const CompatCaseSchema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 256 }),
    time: Type.String(),
    input: Type.Unknown(),
    expect: Type.Union([Type.Boolean(), Type.Record(Type.String(), Type.Unknown())]),
  },
  { additionalProperties: false },
);
const schema = Compile(
  Type.Object({ cases: Type.Array(CompatCaseSchema, { maxItems: MAX_CASES }) }, { additionalProperties: false }),
);

/** None when the bundle brings none. @throws AppError invalid_bundle: a file of another form is never passed over */
export function compatSelfTestOf(files: BundleFiles): readonly CompatCase[] {
  const bytes = files.get(SELF_TEST_FILE);
  if (bytes === undefined) return [];
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (!schema.Check(value)) throw new AppError("invalid_bundle", schema.Errors(value)[0]?.message ?? "not valid");
    return value.cases.map(({ name, time, input, expect }) => ({
      name,
      nowNs: BigInt(parseRfc3339(time)) * 1_000_000n,
      inputJson: JSON.stringify(input),
      expect: jsonOf(expect),
    }));
  } catch (error) {
    const why = error instanceof AppError ? error.detail : "not JSON";
    const form = "in compatibility mode a case is name, time, input, and expect: a boolean or an object";
    throw new AppError("invalid_bundle", `${SELF_TEST_FILE}: ${why} (${form})`, { cause: error });
  }
}
