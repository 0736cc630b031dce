/**
 * The base document of a bundle: the `data.json` of its root, and those of folders at the path of their folder, as in OPA. Nothing may be outside
 * the manifest's roots, and nothing may be defined twice.
 */
import { AppError } from "../../domain/app-error.ts";
import { RegoObject, type RegoValue } from "../rego-value/value.ts";
import { baseName, type BundleFiles } from "./bundle-files.ts";
import { parseStructured } from "./file-hash.ts";

/** @throws AppError invalid_bundle */
export function dataOf(files: BundleFiles, roots: readonly string[]): RegoObject {
  let data = new RegoObject([]);
  for (const [name, bytes] of files) {
    if (/^data\.ya?ml$/.test(baseName(name))) {
      throw new AppError("invalid_bundle", `${name}: data has to be JSON, as opa build writes it`);
    }
    if (baseName(name) !== "data.json") continue;
    const folder = name.split("/").slice(0, -1);
    const value = parseStructured(name, bytes);
    if (!(value instanceof RegoObject)) throw new AppError("invalid_bundle", `${name} holds no object`);
    data = merged(
      data,
      folder.reduceRight((inner, part) => new RegoObject([[part, inner]]), value),
      name,
    );
  }
  const parts = roots.map((root) => root.split("/").filter((part) => part !== ""));
  requireInside(data, [], parts);
  return data;
}

function merged(one: RegoObject, other: RegoObject, name: string): RegoObject {
  const entries = [...one.entries()].map(([key, value]): [RegoValue, RegoValue] => {
    const added = other.get(key);
    if (added === undefined) return [key, value];
    if (value instanceof RegoObject && added instanceof RegoObject) return [key, merged(value, added, name)];
    throw new AppError("invalid_bundle", `${name} holds what another data.json holds too`);
  });
  return new RegoObject([...entries, ...[...other.entries()].filter(([key]) => !one.has(key))]);
}

function requireInside(value: RegoValue, path: readonly string[], roots: readonly (readonly string[])[]): void {
  if (roots.some((root) => isPrefix(root, path))) return;
  const leads = value instanceof RegoObject && roots.some((root) => isPrefix(path, root));
  if (!leads) throw new AppError("invalid_bundle", "data lies outside of the manifest's roots");
  for (const [key, item] of value.entries()) requireInside(item, [...path, typeof key === "string" ? key : ""], roots);
}

function isPrefix(start: readonly string[], path: readonly string[]): boolean {
  return start.length <= path.length && start.every((part, at) => part === path[at]);
}
