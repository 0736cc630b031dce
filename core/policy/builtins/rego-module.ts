/**
 * `rego.parse_module`: the syntax tree of a module of Rego v1, as OPA shows it. Any fault of the text makes the expression
 * undefined. In OPA the tree is written as JSON and read as Rego once more, so what cannot pass there is a fault as well.
 */
import { type Builtin, BuiltinError, builtinTable, stringArg } from "../builtin.ts";
import { regoInteger, RegoNumber, RegoObject, type RegoValue } from "../rego-value/value.ts";
import { readModule } from "./rego-module/module-reader.ts";
import type { Node } from "./rego-module/syntax.ts";
import { commentsOf } from "./rego-module/comments.ts";

const parseModule: Builtin = (args, { pay }) => {
  const file = stringArg(args, 0).toWellFormed();
  const source = stringArg(args, 1);
  const { package: named, imports, rules, comments } = readModule(source, pay);
  return valueOf({
    package: named,
    ...(imports.length > 0 && { imports }),
    ...(rules.length > 0 && { rules }),
    ...(comments.length > 0 && { comments: commentsOf(comments, source, file) }),
  });
};

function valueOf(node: Node): RegoValue {
  if (typeof node === "string") return writable(node);
  if (typeof node === "number") return regoInteger(node);
  if (node === null || typeof node === "boolean") return node;
  if (node instanceof RegoNumber) return json(node);
  if (isList(node)) return node.map(valueOf);
  return new RegoObject(
    Object.entries(node).flatMap(([name, part]) => (part === undefined ? [] : [[name, valueOf(part)] as const])),
  );
}

function isList(node: Node): node is readonly Node[] {
  return Array.isArray(node);
}

function writable(text: string): string {
  if (text.includes("\ufeff")) throw new BuiltinError("illegal byte-order mark");
  return text;
}

/** `.5` is a number of Rego and none of JSON. */
function json(number: RegoNumber): RegoNumber {
  if (/^-?\./.test(number.text)) throw new BuiltinError("invalid number literal");
  return number;
}

export const REGO_MODULE = builtinTable([["rego.parse_module", parseModule]]);
