/**
 * Finds every metric in a source file: calls of `metrics.counter`, `.gauge` and `.histogram`, whose name, help and labels have to be
 * literals, so that what the page says is what a scrape shows. A computed one throws.
 */
import { isNode, type Node, parseModule, textOf, walk } from "../syntax-tree.ts";

export type Metric = {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
};

export function readMetrics(file: string, text: string): readonly Metric[] {
  const found: Metric[] = [];
  walk(parseModule(text), (node) => {
    const metric = metricIn(file, node);
    if (metric !== undefined) found.push(metric);
  });
  return found;
}

function metricIn(file: string, node: Node): Metric | undefined {
  const { callee, arguments: args } = node;
  if (node.type !== "CallExpression" || !isNode(callee) || callee.type !== "MemberExpression" || !Array.isArray(args)) {
    return undefined;
  }
  const { object, property } = callee;
  if (!isNode(object) || !isNode(property)) return undefined;
  const type = property["name"];
  const isOnMetrics =
    object["name"] === "metrics" || (isNode(object["property"]) && object["property"]["name"] === "metrics");
  if (!isOnMetrics || (type !== "counter" && type !== "gauge" && type !== "histogram")) return undefined;
  const [name, help] = [textOf(args[0]), textOf(args[1])];
  if (name === undefined || help === undefined) throw new Error(`${file}: a ${type} whose name or help is computed`);
  return { name, type, help, labels: labelsOf(file, args[type === "histogram" ? 3 : 2]) };
}

function labelsOf(file: string, node: unknown): readonly string[] {
  if (node === undefined) return [];
  const elements: unknown = isNode(node) && node.type === "ArrayExpression" ? node["elements"] : undefined;
  const labels = Array.isArray(elements) ? elements.map(textOf) : [undefined];
  return labels.map((label) => {
    if (label === undefined) throw new Error(`${file}: labels that are computed`);
    return label;
  });
}
