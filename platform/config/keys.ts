/**
 * The keys of a configuration schema: every leaf with its path and its environment variable. One list for the loader, `--help` and the
 * documentation. Treats the schema as plain JSON Schema, so any TypeBox construct is fine below a leaf.
 */
import type { TSchema } from "typebox";

export interface ConfigKey {
  readonly path: readonly string[];
  readonly variable: string;
  /** How a variable's text is read: as it is, as a list (`a,b` or YAML), or as YAML. */
  readonly kind: "text" | "list" | "yaml";
  readonly secret: boolean;
  readonly description: string | undefined;
  /** The schema's default, if it has one. */
  readonly fallback: unknown;
  /** Has to be set: always, or as soon as anything of its optional section is. */
  readonly required: boolean;
  /** Dotted path of the optional section that it stands in. */
  readonly optionalSection: string | undefined;
  /** The part of the schema that says what it may hold. */
  readonly schema: object;
}

interface Shape {
  readonly type?: unknown;
  readonly properties?: unknown;
  readonly required?: unknown;
  readonly additionalProperties?: unknown;
  readonly patternProperties?: unknown;
  readonly anyOf?: unknown;
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: unknown;
  readonly "x-env-variable"?: unknown;
  readonly "x-secret"?: unknown;
}

interface ConfigKeys {
  /** All leaves in order of the schema. */
  readonly keys: readonly ConfigKey[];
  /** Paths of objects that are always there: one left out by the user is an empty one, so that faults and defaults concern its leaves. */
  readonly sections: readonly (readonly string[])[];
  /** Dotted paths of objects that are not closed. */
  readonly openObjects: readonly string[];
}

export function keysOf(schema: TSchema, prefix: string): ConfigKeys {
  const keys: ConfigKey[] = [];
  const sections: (readonly string[])[] = [];
  const openObjects: string[] = [];
  const visit = (node: unknown, path: readonly string[], needed: boolean, optionalSection?: string): void => {
    const present = optionalSection === undefined;
    if (!isShape(node)) return;
    if (node.type === "object" && isShape(node.properties)) {
      if (node.additionalProperties !== false) openObjects.push(path.join("."));
      if (present && path.length > 0) sections.push(path);
      const required: readonly unknown[] = Array.isArray(node.required) ? node.required : [];
      for (const [name, inner] of Object.entries(node.properties)) {
        const inside = [...path, name];
        const leaves = required.includes(name) || !isSection(inner) ? optionalSection : inside.join(".");
        visit(inner, inside, required.includes(name), leaves);
      }
      return;
    }
    const named = node["x-env-variable"];
    keys.push({
      path,
      variable: typeof named === "string" ? named : variableOf(prefix, path),
      kind: kindOf(node),
      secret: node["x-secret"] === true,
      description: typeof node.description === "string" ? node.description : undefined,
      fallback: node.default,
      required: needed && node.default === undefined,
      optionalSection,
      schema: node,
    });
  };
  visit(schema, [], true);
  return { keys, sections, openObjects };
}

/** Whether a variable configures the program of this schema: one of its keys', by its own name or by a file, or any with its prefix. */
export function ownVariables(schema: TSchema, prefix: string): (name: string) => boolean {
  const known = new Set(keysOf(schema, prefix).keys.map(({ variable }) => variable));
  return (name) => name.startsWith(prefix) || known.has(name.replace(/_FILE$/, ""));
}

function isSection(node: unknown): boolean {
  return isShape(node) && node.type === "object" && isShape(node.properties);
}

function kindOf(node: Shape): ConfigKey["kind"] {
  if (node.type === "array") return "list";
  if (node.type === "string" || typeof node.const === "string") return "text";
  if (Array.isArray(node.anyOf) && node.anyOf.every((branch) => isShape(branch) && kindOf(branch) === "text"))
    return "text";
  return "yaml";
}

/** Of a key without `x-env-variable`. */
export function variableOf(prefix: string, path: readonly string[]): string {
  return prefix + path.map(upperSnake).join("_");
}

function upperSnake(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toUpperCase();
}

function isShape(value: unknown): value is Shape {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
