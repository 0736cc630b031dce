/**
 * A configuration schema as published: JSON Schema of the YAML file, for editors and programs that generate configurations. It differs from the
 * program's own in three ways. Every key names its variable (`x-env-variable`). A secret is not allowed in the file, so nothing matches it there
 * (`not: {}`), and it is not required. A key that must be set, in the file or by its variable, has `x-required` (the name of its section if only
 * that section needs it); keys with a default are not required, also not in entries of lists. So a file that the program would refuse for its
 * form is refused here too, except that something may be missing that a variable sets.
 */
import type { TSchema } from "typebox";
import { type ConfigKey, keysOf } from "./keys.ts";

type Json = { [key: string]: unknown };

/** `title` names the program. Throws when a key has no description: a key that nobody can look up is not finished. */
export function publishedSchema(
  schema: TSchema,
  { prefix, title }: { readonly prefix: string; readonly title: string },
) {
  const { keys } = keysOf(schema, prefix);
  const silent = keys.filter(({ description }) => description === undefined).map(({ path }) => path.join("."));
  if (silent.length > 0) throw new Error(`without a description: ${silent.join(", ")}`);
  const byPath = new Map(keys.map((key) => [key.path.join("."), key]));

  function publish(node: Json, path: readonly string[]): Json {
    const key = byPath.get(path.join("."));
    if (key !== undefined) return publishKey(key, node);
    const { required: _required, properties, ...rest } = node;
    const inner = Object.entries(isJson(properties) ? properties : {}).map(([name, child]) => [
      name,
      isJson(child) ? publish(child, [...path, name]) : child,
    ]);
    return { ...rest, properties: Object.fromEntries(inner) };
  }
  const plain: unknown = JSON.parse(JSON.stringify(schema));
  if (!isJson(plain)) throw new Error("a configuration is an object");
  return { $schema: "https://json-schema.org/draft/2020-12/schema", title, ...publish(plain, []) };
}

function publishKey(key: ConfigKey, node: Json): Json {
  const marks = {
    "x-env-variable": key.variable,
    ...(key.required ? { "x-required": key.optionalSection ?? true } : {}),
  };
  if (!key.secret) return { ...withoutDefaulted(node), ...marks };
  return { description: node["description"], "x-secret": true, ...marks, not: {} };
}

/** What lists hold is not read key by key above: a member that has a default need not be there. */
function withoutDefaulted(node: Json): Json {
  const { items } = node;
  if (!isJson(items) || !isJson(items["properties"]) || !Array.isArray(items["required"])) return node;
  const { properties } = items;
  const isAsked = (name: unknown) => {
    const inner = typeof name === "string" ? properties[name] : undefined;
    return !isJson(inner) || inner["default"] === undefined;
  };
  return { ...node, items: { ...items, required: items["required"].filter(isAsked) } };
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
