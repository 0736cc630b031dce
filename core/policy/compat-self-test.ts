/**
 * The cases of a compatibility bundle's `self-test.json`: the expected value at the configured path for an input as the plugin would build it. As
 * in native mode (self-test.ts) an object is compared by the keys that are named; unlike there, a case names no entrypoint, since there is one
 * path, and may expect a plain boolean.
 *
 *     {"cases": [{"name": "…", "time": "2026-11-24T10:00:00Z", "input": {…}, "expect": true}]}
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { AppError } from "../domain/app-error.ts";
import type { BundleFiles } from "./bundles/bundle-files.ts";
import { type Case, caseOf, casesIn, MAX_CASES } from "./self-test.ts";

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

const FORM = " (in compatibility mode a case is name, time, input, and expect: a boolean or an object)";

/** None when the bundle brings none. @throws AppError invalid_bundle */
export function compatSelfTestOf(files: BundleFiles): readonly Case[] {
  const read = (value: unknown, inputs: readonly string[]) => {
    if (!schema.Check(value)) throw new AppError("invalid_bundle", schema.Errors(value)[0]?.message ?? "not valid");
    return value.cases.map((one, at) => caseOf(one, inputs[at]));
  };
  return casesIn(files, read, FORM);
}
