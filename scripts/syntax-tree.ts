/** A source file as a tree, for the scripts that read code: parsed by @babel/parser, each node looked into as data from outside. */
import { parse } from "@babel/parser";

export type Node = Readonly<Record<string, unknown>> & { readonly type: string };

/** Throws SyntaxError with the position when the text is not TypeScript. */
export function parseModule(text: string, file?: string) {
  return parse(text, {
    sourceType: "module",
    ...(file === undefined ? {} : { sourceFilename: file }),
    plugins: ["typescript", "explicitResourceManagement"],
  }).program;
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

export function childrenOf(node: Node): readonly Node[] {
  return Object.values(node).flat().filter(isNode);
}

/** The node first, then all that is in it. */
export function walk(node: unknown, visit: (node: Node) => void): void {
  if (!isNode(node)) return;
  visit(node);
  for (const child of childrenOf(node)) walk(child, visit);
}

/** Of an identifier. */
export function nameOf(node: unknown): string | undefined {
  return isNode(node) && node.type === "Identifier" && typeof node["name"] === "string" ? node["name"] : undefined;
}

/** Of a text that is written out. */
export function textOf(node: unknown): string | undefined {
  return isNode(node) && node.type === "StringLiteral" && typeof node["value"] === "string" ? node["value"] : undefined;
}

/** 0: unknown. */
export function lineOf({ loc }: Node): number {
  if (typeof loc !== "object" || loc === null || !("start" in loc)) return 0;
  const { start } = loc;
  return typeof start === "object" && start !== null && "line" in start ? Number(start.line) : 0;
}
