/**
 * Finds every event that a source file logs: calls of `log.info` and its like, whose record has to name its `event` and whose message has to
 * begin with literals, so that what the page says is what a log and `events_total` show. A call without a name throws.
 */
import { parse } from "@babel/parser";

export type LoggedEvent = {
  readonly name: string;
  /** As written; `varying` where it depends on what happened. */
  readonly level: string;
  readonly message: string;
  readonly place: string;
};

type Node = Readonly<Record<string, unknown>> & { readonly type: string };

const LEVELS: ReadonlySet<unknown> = new Set(["fatal", "error", "warn", "info", "debug", "trace"]);

export function readEvents(file: string, text: string): readonly LoggedEvent[] {
  const ast = parse(text, { sourceType: "module", plugins: ["typescript", "explicitResourceManagement"] });
  const found: LoggedEvent[] = [];
  const walk = (node: Node): void => {
    const event = eventIn(file, node);
    if (event !== undefined) found.push(event);
    for (const value of Object.values(node)) {
      for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child);
    }
  };
  if (isNode(ast.program)) walk(ast.program);
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
    return isNode(value) && value.type === "StringLiteral" && typeof value["value"] === "string"
      ? value["value"]
      : undefined;
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

function lineOf(node: Node): string {
  const { loc } = node;
  const start = typeof loc === "object" && loc !== null && "start" in loc ? loc.start : undefined;
  return typeof start === "object" && start !== null && "line" in start ? String(start.line) : "?";
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
