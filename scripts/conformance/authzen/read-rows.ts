/** The rows of certification.json; format: the README beside it. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

const Values = Type.Record(Type.String(), Type.Unknown());
const Row = Type.Object({
  id: Type.String(),
  request: Type.Object({
    method: Type.String(),
    path: Type.String(),
    headers: Type.Record(Type.String(), Type.String()),
    body: Type.Optional(Type.Unknown()),
    raw_body: Type.Optional(Type.String()),
  }),
  expect: Type.Object({
    status: Type.Integer(),
    headers: Type.Optional(Type.Record(Type.String(), Type.String())),
    body: Type.Optional(
      Type.Object(
        {
          subset: Type.Optional(Values),
          types: Type.Optional(Type.Record(Type.String(), Type.String())),
          length: Type.Optional(Type.Record(Type.String(), Type.Integer())),
          absent: Type.Optional(Type.Array(Type.String())),
          should_be_absent: Type.Optional(Type.Array(Type.String())),
          results: Type.Optional(
            Type.Object({
              contains: Type.Optional(Type.Array(Values)),
              required: Type.Optional(Type.Array(Type.String())),
              every: Type.Optional(Values),
            }),
          ),
          same_results_as: Type.Optional(Type.String()),
          any_of: Type.Optional(Type.Unknown()),
          equals_url: Type.Optional(Type.Record(Type.String(), Type.String())),
          no_query_or_fragment: Type.Optional(Type.Array(Type.String())),
          no_null_or_empty: Type.Optional(Type.Boolean()),
          endpoints_answer: Type.Optional(Type.Record(Type.String(), Type.String())),
          "jwt?": Type.Optional(Type.Unknown()),
        },
        // A rule that is not known here must not pass for one that holds.
        { additionalProperties: false },
      ),
    ),
  }),
  repeat: Type.Optional(Type.Object({ times: Type.Integer(), same: Type.Array(Type.String()) })),
  only_if: Type.Optional(Type.String()),
  needs: Type.Optional(Type.String()),
});
const Rows = Type.Array(Row);
const schema = Compile(Rows);

export type Row = Static<typeof Row>;
export type BodyRules = NonNullable<Row["expect"]["body"]>;

export async function readRows(directory: string): Promise<readonly Row[]> {
  const value: unknown = JSON.parse(await readFile(path.join(directory, "certification.json"), "utf8"));
  if (schema.Check(value)) return value;
  const first = schema.Errors(value)[0];
  throw new Error(`certification.json: ${first?.instancePath ?? ""} ${first?.message ?? "is not understood"}`);
}
