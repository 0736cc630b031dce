/**
 * The cases of a folder, in the format that the README beside them describes: one JSON array per group. Everything else in
 * the folder is left alone.
 */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

const File = Type.Object({ path: Type.String(), text: Type.String() });
const Binary = Type.Object({ path: Type.String(), base64: Type.String() });
const Case = Type.Object({
  name: Type.String(),
  group: Type.String(),
  policy: Type.Array(File, { minItems: 1 }),
  query_path: Type.String(),
  options: Type.Object(
    {
      "dry-run": Type.Optional(Type.Boolean()),
      "skip-request-body-parse": Type.Optional(Type.Boolean()),
      "proto-descriptor": Type.Optional(Type.String()),
    },
    { additionalProperties: false },
  ),
  files: Type.Optional(Type.Array(Binary)),
  request: Type.Unknown(),
  request_base64: Type.Optional(Type.String()),
  observed: Type.Object({
    response: Type.Unknown(),
    grpc_error: Type.Union([Type.Null(), Type.Object({ code: Type.Integer(), message: Type.String() })]),
    input_text: Type.Union([Type.Null(), Type.String()]),
  }),
});

export type PluginCase = Static<typeof Case>;

const cases = Compile(Type.Array(Case));

/** @throws when a file is not of the format: then nothing can be said about any case of it */
export async function readPluginCases(directory: string): Promise<readonly PluginCase[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".json")).sort();
  const groups = await Promise.all(
    names.map(async (name) => {
      const value: unknown = JSON.parse(await readFile(path.join(directory, name), "utf8"));
      if (cases.Check(value)) return value;
      const first = cases.Errors(value)[0];
      throw new Error(`${name} is no list of cases: ${first?.instancePath ?? ""} ${first?.message ?? ""}`);
    }),
  );
  return groups.flat();
}

/** What a server needs to know of a case; cases with equal settings share one. */
export type ServerSettings = Pick<PluginCase, "policy" | "query_path" | "options" | "files">;

export function settingsKey({ policy, query_path, options, files }: ServerSettings): string {
  return JSON.stringify([policy, query_path, options, files ?? []]);
}
