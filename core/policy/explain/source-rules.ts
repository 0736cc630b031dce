/**
 * The rules of a policy as their author wrote them: where each stands, its conditions as text, and what of the input each
 * condition names. Read from `opa parse --format json --json-include locations`, one file at a time; so is what is shown of
 * a rule that fired or did not (explain.ts).
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { AppError } from "../../domain/app-error.ts";

export type Place = { readonly file: string; readonly row: number; readonly col: number };

export type Condition = {
  readonly place: Place;
  readonly text: string;
  /** Paths into the input that it names, as far as they are constant. */
  readonly inputs: readonly (readonly string[])[];
};

export type SourceRule = {
  readonly place: Place;
  /** Without `data.`: `countersign.policies.orders`. */
  readonly package: string;
  readonly name: string;
  /** The rule up to its conditions, on one line: `allow contains "orders_read"`. */
  readonly head: string;
  /** Of its METADATA. */
  readonly title: string | undefined;
  readonly conditions: readonly Condition[];
};

const Location = Type.Object({ row: Type.Integer(), col: Type.Integer(), text: Type.Optional(Type.String()) });
const Term = Type.Object({ value: Type.Unknown() });
const Expression = Type.Object({ location: Location });
const Rule = Type.Object({
  location: Location,
  head: Type.Object({ location: Type.Optional(Location), ref: Type.Array(Term) }),
  body: Type.Array(Expression),
  annotations: Type.Optional(Type.Array(Type.Object({ title: Type.Optional(Type.String()) }))),
  else: Type.Optional(Type.Unknown()),
  default: Type.Optional(Type.Boolean()),
});
const Module = Type.Object({
  package: Type.Object({ path: Type.Array(Term) }),
  rules: Type.Optional(Type.Array(Type.Unknown())),
});
const module = Compile(Module);
const rule = Compile(Rule);

/** @throws AppError invalid_argument when this is no module as OPA writes one */
export function sourceRules(file: string, ast: unknown): readonly SourceRule[] {
  if (!module.Check(ast)) throw new AppError("invalid_argument", `${file}: OPA's syntax tree is not understood`);
  const names = ast.package.path.slice(1).map((term) => String(term.value));
  return (ast.rules ?? []).flatMap((one) => withElse(file, names.join("."), one));
}

/** A rule and what stands behind each of its `else`. */
function withElse(file: string, packageName: string, ast: unknown): readonly SourceRule[] {
  if (!rule.Check(ast)) throw new AppError("invalid_argument", `${file}: OPA's syntax tree is not understood`);
  const place = placeOf(file, ast.location);
  const name = ast.head.ref.map((term) => String(term.value)).join(".");
  const head = `${ast.default === true ? "default " : ""}${textOf(ast.head.location) || name}`;
  const conditions = ast.body
    // A rule without conditions has the constant `true` for one.
    .filter(({ location }) => textOf(location) !== "" && !isAt(location, ast.location))
    .map((one) => ({ place: placeOf(file, one.location), text: textOf(one.location), inputs: inputPaths(one) }));
  const title = ast.annotations?.find((one) => one.title !== undefined)?.title;
  const own = { place, package: packageName, name, head, title, conditions };
  return ast.else === undefined ? [own] : [own, ...withElse(file, packageName, ast.else)];
}

function placeOf(file: string, { row, col }: { readonly row: number; readonly col: number }): Place {
  return { file, row, col };
}

function isAt(one: Omit<Place, "file">, other: Omit<Place, "file">): boolean {
  return one.row === other.row && one.col === other.col;
}

/** On one line, however it was written. */
function textOf(location: { readonly text?: string } | undefined): string {
  return Buffer.from(location?.text ?? "", "base64")
    .toString("utf8")
    .replaceAll(/\s+/g, " ")
    .trim();
}

function inputPaths(node: unknown): string[][] {
  const found = new Map<string, string[]>();
  const visit = (at: unknown): void => {
    if (Array.isArray(at)) return at.forEach(visit);
    if (typeof at !== "object" || at === null) return;
    const path = inputPath(at);
    if (path !== undefined) found.set(JSON.stringify(path), path);
    Object.values(at).forEach(visit);
  };
  visit(node);
  return [...found.values()];
}

function inputPath(node: object): string[] | undefined {
  if (!("type" in node) || node.type !== "ref" || !("value" in node) || !Array.isArray(node.value)) return undefined;
  const [head, ...parts]: readonly unknown[] = node.value;
  if (!isTerm(head) || head.type !== "var" || head.value !== "input") return undefined;
  const path: string[] = [];
  for (const part of parts) {
    if (!isTerm(part) || (part.type !== "string" && part.type !== "number")) break;
    path.push(String(part.value));
  }
  return path.length === 0 ? undefined : path;
}

function isTerm(node: unknown): node is { readonly type: unknown; readonly value: unknown } {
  return typeof node === "object" && node !== null && "type" in node && "value" in node;
}
