/**
 * The keys of a published schema as Markdown: one table for each section, in the order of the schema, and one for the entries of every
 * list whose entries are objects.
 */
import { isSchema, type Schema } from "./read-schema.ts";

export function keyTable(schema: Schema): string {
  const tables: string[] = [];
  const entries: string[] = [];
  const rowsOf = (section: Schema, prefix: string): readonly string[] =>
    propertiesOf(section).flatMap(([name, node]) => {
      if (isSection(node)) return rowsOf(node, `${prefix}${name}.`);
      entries.push(...entryTable(`${prefix}${name}`, node));
      return [row(`${prefix}${name}`, node)];
    });
  const top: string[] = [];
  for (const [name, node] of propertiesOf(schema)) {
    if (isSection(node)) tables.push(table(`### ${name}`, rowsOf(node, `${name}.`)));
    else top.push(row(name, node));
  }
  return [table("### Top level", top), ...tables, ...entries].join("\n");
}

function table(title: string, rows: readonly string[]): string {
  return [title, "", "| key | variable | type | default | description |", "|---|---|---|---|---|", ...rows, ""].join(
    "\n",
  );
}

function row(key: string, node: Schema): string {
  const isSecret = node["x-secret"] === true;
  const fallback = node["default"];
  const cells = [
    `\`${key}\``,
    `\`${String(node["x-env-variable"])}\``,
    isSecret ? "**secret**, not in the file" : kindOf(node),
    fallback === undefined ? requiredIn(node["x-required"]) : `\`${JSON.stringify(fallback)}\``,
    String(node["description"]),
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function requiredIn(mark: unknown): string {
  if (typeof mark === "string") return `**required** with \`${mark}\``;
  return mark === true ? "**required**" : "–";
}

/** What stands in each entry of a list of objects. Those keys have no variable of their own: the list is one value. */
function entryTable(key: string, node: Schema): readonly string[] {
  const { items } = node;
  if (!isSchema(items) || !isSection(items)) return [];
  const leaves = (object: Schema, prefix: string): readonly string[] => {
    const required: readonly unknown[] = Array.isArray(object["required"]) ? object["required"] : [];
    return propertiesOf(object).flatMap(([name, inner]) => {
      if (isSection(inner)) return leaves(inner, `${prefix}${name}.`);
      const { description, default: fallback } = inner;
      if (typeof description !== "string") throw new Error(`without a description: ${key}[].${prefix}${name}`);
      const missing = required.includes(name) ? "**required**" : "–";
      const otherwise = fallback === undefined ? missing : `\`${JSON.stringify(fallback)}\``;
      const cells = [`\`${prefix}${name}\``, kindOf(inner), otherwise, description];
      return [`| ${cells.join(" | ")} |`];
    });
  };
  const lines = leaves(items, "");
  return [
    [`### Entries of ${key}`, "", "| key | type | default | description |", "|---|---|---|---|", ...lines, ""].join(
      "\n",
    ),
  ];
}

function kindOf(node: Schema): string {
  const { type, minimum, maximum, pattern, anyOf, items } = node;
  if (Array.isArray(anyOf)) return anyOf.filter(isSchema).map(kindOf).join(" or ");
  if (node["const"] !== undefined) return `\`${say(node["const"])}\``;
  if (type === "array")
    return isSchema(items) && !isSection(items) ? `list of ${kindOf(items)}` : "list, entries below";
  if (type === "object") return "map";
  if (type === "integer")
    return `integer${minimum === undefined ? "" : ` ${say(minimum)} to ${say(maximum ?? "any")}`}`;
  if (typeof pattern === "string") return `text like \`${pattern}\``;
  return type === "string" ? "text" : String(type);
}

function say(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function propertiesOf(node: Schema): readonly (readonly [string, Schema])[] {
  const { properties } = node;
  if (!isSchema(properties)) return [];
  return Object.entries(properties).flatMap(([name, inner]) => (isSchema(inner) ? [[name, inner] as const] : []));
}

function isSection(node: Schema): boolean {
  return node["type"] === "object" && isSchema(node["properties"]);
}
