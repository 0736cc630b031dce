/**
 * A configuration schema as it is published: JSON Schema of the YAML file, for editors and for whoever generates configurations. It
 * differs from what the program holds in three ways. Every key says which variable sets it (`x-env-variable`). A secret may not stand in
 * the file, so nothing fits it there (`not: {}`), and it is not asked for there. A key that has to be set, in the file or by its
 * variable, says `x-required` (the name of its section where only that section needs it); what has a default is not asked for, in entries of
 * lists neither. So a file that is refused for its form is refused here too, except that something may be missing which a variable sets.
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
