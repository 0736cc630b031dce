/**
 * One evaluation as OPA traced it (`opa eval --explain full --format json`), read into attempts: each rule that was tried,
 * whether it held, and the expression at which it ended. What OPA remembers is not evaluated again, so that an expression
 * that failed a second time is answered with the attempts of the first.
 */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { AppError } from "../../domain/app-error.ts";
import type { Place } from "./source-rules.ts";

export type Attempt = {
  /** Where the rule stands. */
  readonly place: Place;
  readonly held: boolean;
  /** The furthest expression that nothing made true; undefined when the rule held. */
  readonly ended: Ended | undefined;
};

type Ended = {
  readonly place: Place;
  readonly negated: boolean;
  /** What the author's variables were then, as Rego text. */
  readonly variables: ReadonlyMap<string, unknown>;
  /** The rules that were tried for it and did not hold. */
  readonly because: readonly Attempt[];
};

const Location = Type.Object({ file: Type.String(), row: Type.Integer(), col: Type.Integer() });
const Event = Type.Object({
  Op: Type.String(),
  QueryID: Type.Integer(),
  ParentID: Type.Integer(),
  Location: Type.Optional(Type.Union([Location, Type.Null()])),
  Node: Type.Unknown(),
  Locals: Type.Optional(
    Type.Union([Type.Array(Type.Object({ name: Type.String(), value: Type.Optional(Type.Unknown()) })), Type.Null()]),
  ),
  LocalMetadata: Type.Optional(Type.Record(Type.String(), Type.Object({ name: Type.String() }))),
});
const schema = Compile(Type.Array(Event));
type Event = Type.Static<typeof Event>;

type Failure = Ended & { readonly order: number };
type Query = {
  readonly id: number;
  readonly parent: number;
  readonly place: Place;
  readonly isRule: boolean;
  held: boolean;
  failure: Failure | undefined;
  /** Rules tried since the expression under way began. */
  tried: Query[];
};

/** The attempts in the order in which OPA made them. @throws AppError invalid_argument */
export function attemptsOf(trace: unknown): readonly Attempt[] {
  if (!schema.Check(trace)) throw new AppError("invalid_argument", "OPA's trace is not understood");
  const queries = new Map<number, Query>();
  const remembered = new Map<string, readonly Attempt[]>();
  for (const event of trace) {
    const known = queries.get(event.QueryID);
    switch (event.Op) {
      case "Enter":
        if (known === undefined) enter(event, queries);
        break;
      case "Eval":
        if (known !== undefined) known.tried = [];
        break;
      case "Exit":
        if (known !== undefined) known.held = true;
        break;
      case "Fail":
        if (known !== undefined) fail(event, known, remembered);
        break;
      default:
    }
  }
  return [...queries.values()].filter(({ isRule }) => isRule).map(attemptOf);
}

function enter(event: Event, queries: Map<number, Query>): void {
  const { QueryID: id, ParentID: parent, Location: location, Node: node } = event;
  const isRule = typeof node === "object" && node !== null && "head" in node;
  const place = location ?? { file: "", row: 0, col: 0 };
  const query: Query = { id, parent, place, isRule, held: false, failure: undefined, tried: [] };
  queries.set(id, query);
  if (id === parent) return;
  // A comprehension or a negation is a query too, but nothing that an author named: what it tries, its rule tries.
  let asking = queries.get(parent);
  if (isRule) asking?.tried.push(query);
  for (; asking !== undefined && !asking.isRule && asking.id !== asking.parent; ) {
    asking = queries.get(asking.parent);
    if (isRule) asking?.tried.push(query);
  }
}

function fail(event: Event, query: Query, remembered: Map<string, readonly Attempt[]>): void {
  const order = numberAt(event.Node, "index");
  if (query.failure !== undefined && order < query.failure.order) return;
  const key = JSON.stringify([at(event.Node, "terms"), event.Locals ?? []]);
  const tried = query.tried.filter(({ held }) => !held).map(attemptOf);
  if (tried.length > 0) remembered.set(keyOf(event, key), tried);
  const variables = new Map<string, unknown>();
  for (const { name, ...term } of event.Locals ?? []) {
    const written = event.LocalMetadata?.[name]?.name;
    if (written !== undefined && !written.startsWith("__local")) variables.set(written, plainTerm(term));
  }
  query.failure = {
    order,
    place: event.Location ?? query.place,
    negated: at(event.Node, "negated") === true,
    variables,
    because: tried.length > 0 ? tried : (remembered.get(keyOf(event, key)) ?? []),
  };
}

/** A rule without arguments is remembered under its name, a function under its name and arguments. */
function keyOf(event: Event, otherwise: string): string {
  const terms = at(event.Node, "terms");
  if (!Array.isArray(terms)) return JSON.stringify(terms);
  const values = new Map((event.Locals ?? []).map(({ name, ...term }) => [name, term]));
  const filled = terms.map((term: unknown) =>
    at(term, "type") === "var" ? values.get(String(at(term, "value"))) : term,
  );
  return filled.includes(undefined) ? otherwise : JSON.stringify(filled);
}

function attemptOf({ place, held, failure }: Query): Attempt {
  return { place, held, ended: held ? undefined : failure };
}

/** A term of the syntax tree as plain data; sets as lists. */
function plainTerm(term: unknown): unknown {
  const value = at(term, "value");
  switch (at(term, "type")) {
    case "array":
    case "set":
      return Array.isArray(value) ? value.map(plainTerm) : value;
    case "object":
      return Array.isArray(value)
        ? Object.fromEntries(value.map((pair: unknown) => [String(plainTerm(at(pair, "0"))), plainTerm(at(pair, "1"))]))
        : value;
    case "null":
      return null;
    default:
      return value;
  }
}

function at(node: unknown, name: string): unknown {
  return typeof node === "object" && node !== null ? Reflect.get(node, name) : undefined;
}

function numberAt(node: unknown, name: string): number {
  const value = at(node, name);
  return typeof value === "number" ? value : 0;
}
