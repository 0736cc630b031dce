/**
 * Finds every event that a source file logs: calls of `log.info` and its like, whose record has to name its `event` and whose message has to
 * begin with literals, so that what the page says is what a log and `events_total` show. A call without a name throws.
 */
import { isNode, lineOf, type Node, parseModule, textOf, walk } from "../syntax-tree.ts";

export type LoggedEvent = {
  readonly name: string;
  /** As written; `varying` where it depends on what happened. */
  readonly level: string;
  readonly message: string;
  readonly place: string;
};

const LEVELS: ReadonlySet<unknown> = new Set(["fatal", "error", "warn", "info", "debug", "trace"]);

export function readEvents(file: string, text: string): readonly LoggedEvent[] {
  const found: LoggedEvent[] = [];
  walk(parseModule(text), (node) => {
    const event = eventIn(file, node);
    if (event !== undefined) found.push(event);
  });
  return found;
}

function eventIn(file: string, node: Node): LoggedEvent | undefined {
  const { callee, arguments: args } = node;
  if (node.type !== "CallExpression" || !isNode(callee) || callee.type !== "MemberExpression") return undefined;
  const { object, property, computed } = callee;
  if (!isNode(object) || !isNode(property) || object["name"] !== "log" || !Array.isArray(args)) return undefined;
  const level = property["name"];
  if (computed !== true && !LEVELS.has(level)) return undefined;
  const place = `${file}:${lineOf(node)}`;
  const name = nameIn(args[0]);
  if (name === undefined) throw new Error(`${place}: a log line whose record does not name its event`);
  return { name, level: computed === true ? "varying" : String(level), message: messageIn(args[1]), place };
}

/** Of `{ event: "name", … }`, which is the whole record or spread into it first. */
function nameIn(record: unknown): string | undefined {
  if (!isNode(record) || record.type !== "ObjectExpression" || !Array.isArray(record["properties"])) return undefined;
  for (const property of record["properties"]) {
    if (!isNode(property)) continue;
    const { key, value } = property;
    if (property.type !== "ObjectProperty" || !isNode(key) || key["name"] !== "event") continue;
    return textOf(value);
  }
  return undefined;
}

function messageIn(node: unknown): string {
  if (!isNode(node)) return "";
  if (node.type === "StringLiteral") return String(node["value"]);
  const parts = node["quasis"];
  if (node.type !== "TemplateLiteral" || !Array.isArray(parts)) return "…";
  return parts
    .map((part: unknown) => {
      const value: unknown = isNode(part) ? part["value"] : undefined;
      return typeof value === "object" && value !== null && "cooked" in value ? String(value.cooked) : "";
    })
    .join("…");
}
