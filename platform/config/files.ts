/**
 * Keys of a configuration that name files, and which of those cannot be read here. A schema says so by `x-file`, so that a path in a list or a
 * map is found as well. NB: files are looked for and not opened: what is in them is for the start to judge.
 */
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { type TSchema, Type } from "typebox";
import { reasonOf } from "../lifecycle/cannot-start.ts";

const MARK = "x-file";

export const FilePath = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, [MARK]: "file", description }));
export const NeededFilePath = (description: string) => Type.String({ minLength: 1, [MARK]: "file", description });
/** A folder will do. */
export const FileOrFolderPath = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, [MARK]: "file or folder", description }));
/** Id → path of a file. */
export const FilesById = (description: string, options: { readonly default?: Record<string, string> } = {}) =>
  Type.Record(Type.String(), Type.String({ minLength: 1, [MARK]: "file" }), { ...options, description });

type Named = { readonly key: string; readonly path: string; readonly mayBeFolder: boolean };

/** A line for each that cannot be read by this user: the key, the path and why. */
export async function unreadableFiles(schema: TSchema, config: unknown): Promise<readonly string[]> {
  const lines = await Promise.all(
    filesIn(schema, config, "").map(async ({ key, path, mayBeFolder }) => {
      try {
        await access(path, constants.R_OK);
        const isFolder = (await stat(path)).isDirectory();
        return isFolder && !mayBeFolder ? [`${key}: ${path}: it is a folder`] : [];
      } catch (error) {
        return [`${key}: ${reasonOf(error)}`];
      }
    }),
  );
  return lines.flat();
}

/** Reads the schema as the JSON Schema that it is. */
function filesIn(schema: unknown, value: unknown, key: string): readonly Named[] {
  if (!isObject(schema)) return [];
  const mark = schema[MARK];
  if (typeof mark === "string" && typeof value === "string") {
    return [{ key, path: value, mayBeFolder: mark === "file or folder" }];
  }
  const within = (name: string) => (key === "" ? name : `${key}.${name}`);
  if (Array.isArray(value))
    return value.flatMap((one: unknown, at) => filesIn(schema["items"], one, within(String(at))));
  if (!isObject(value)) return [];
  const { properties, patternProperties } = schema;
  const [anyName] = isObject(patternProperties) ? Object.values(patternProperties) : [];
  return Object.entries(value).flatMap(([name, inner]) =>
    filesIn(isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : anyName, inner, within(name)),
  );
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
