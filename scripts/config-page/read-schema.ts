/** A published configuration schema as JSON, as far as the page needs it: any object. */
import { readFile } from "node:fs/promises";

export type Schema = { readonly [key: string]: unknown };

/** Rejects when the file is not there or holds no object. */
export async function readSchema(file: string): Promise<Schema> {
  const value: unknown = JSON.parse(await readFile(file, "utf8"));
  if (!isSchema(value)) throw new Error(`${file} holds no schema`);
  return value;
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
