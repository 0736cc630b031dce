/**
 * What the approval service writes, read from its source: the names of its transactions, and each text of SQL that writes outside of one. A
 * function writes inside when it asks `tx`, or when whoever calls it gives it a `tx`; all else is taken to be a transaction of its own.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { childrenOf, isNode, lineOf, nameOf, type Node, parseModule, textOf } from "../../../scripts/syntax-tree.ts";
import { isWriting } from "./effects.ts";

const APPROVAL = join(import.meta.dirname, "../../../services/approval");

type Statement = { readonly at: string; readonly text: string };
type Found = Statement & { readonly by: string | undefined; readonly asked: string | undefined };

export type Written = { readonly transactions: readonly Statement[]; readonly alone: readonly Statement[] };

export async function writtenByApproval(): Promise<Written> {
  const files = (await readdir(APPROVAL, { recursive: true })).filter((file) => /(?<!\.test)\.ts$/.test(file));
  const sources = await Promise.all(
    files.map(async (file) => [file, await readFile(join(APPROVAL, file), "utf8")] as const),
  );
  return writtenIn(new Map(sources));
}

/** Text by file. */
export function writtenIn(sources: ReadonlyMap<string, string>): Written {
  const transactions: Statement[] = [];
  const writes: Found[] = [];
  /** By function, what it is given first wherever it is called. */
  const given = new Map<string, Set<string>>();
  for (const [file, source] of sources) {
    const visit = (node: Node, by: string | undefined, asked: string | undefined): void => {
      const at = `${file}:${lineOf(node)}`;
      const text = sqlOf(node);
      if (text !== undefined && isWriting(text)) writes.push({ at, text, by, asked });
      const here = node.type === "FunctionDeclaration" ? nameOf(node["id"]) : by;
      const call = node.type === "CallExpression" ? calleeOf(node) : undefined;
      if (call?.name === "transaction")
        for (const name of namesIn(firstOf(node))) transactions.push({ at, text: name });
      if (call !== undefined && call.on === undefined)
        given.set(call.name, (given.get(call.name) ?? new Set()).add(nameOf(firstOf(node)) ?? "?"));
      const on = call?.name === "query" ? call.on : asked;
      for (const child of childrenOf(node)) visit(child, here, on);
    };
    const program: unknown = parseModule(source);
    if (isNode(program)) visit(program, undefined, undefined);
  }
  const isInside = ({ by, asked }: Found) =>
    asked === "tx" || (by !== undefined && [...(given.get(by) ?? ["?"])].every((first) => first === "tx"));
  return { transactions, alone: writes.filter((one) => !isInside(one)).map(({ at, text }) => ({ at, text })) };
}

/** `on`: undefined of a function that is called by its name. */
function calleeOf({ callee }: Node): { readonly name: string; readonly on: string | undefined } | undefined {
  if (!isNode(callee)) return undefined;
  if (callee.type !== "MemberExpression") return { name: nameOf(callee) ?? "?", on: undefined };
  return { name: nameOf(callee["property"]) ?? "?", on: nameOf(callee["object"]) ?? "?" };
}

function firstOf({ arguments: given }: Node): unknown {
  return Array.isArray(given) ? given[0] : undefined;
}

/** A name that is passed on is none: whoever gives it is looked at. */
function namesIn(first: unknown): readonly string[] {
  if (isNode(first) && /Function/.test(first.type)) return ["(none)"];
  const either =
    isNode(first) && first.type === "ConditionalExpression" ? [first["consequent"], first["alternate"]] : [first];
  return either.flatMap((one) => textOf(one) ?? []);
}

/** Of a text that is written out; what is put into it is `hole`. */
function sqlOf(node: Node): string | undefined {
  if (node.type !== "TemplateLiteral") return textOf(node);
  const { quasis } = node;
  if (!Array.isArray(quasis)) return undefined;
  return quasis.map((quasi: unknown) => (isNode(quasi) ? rawOf(quasi["value"]) : "")).join("hole");
}

function rawOf(value: unknown): string {
  return typeof value === "object" && value !== null && "raw" in value ? String(value.raw) : "";
}
