/** `object.subset`, `json.marshal_with_options`, `numbers.range_step`, `graph.reachable_paths`: structure in, structure out. */
import {
  booleanArg,
  type Builtin,
  type BuiltinCall,
  BuiltinError,
  BuiltinLimit,
  builtinTable,
  integerArg,
  itemsArg,
  objectArg,
  type Pay,
  stringArg,
  wrongType,
} from "../builtin.ts";
import { compareRego, equalRego, regoSet } from "../rego-value/order.ts";
import { isRegoArray, RegoObject, RegoSet, type RegoValue, regoInteger } from "../rego-value/value.ts";
import { lengthOf, writeGoJson } from "../rego-value/write.ts";
import { MadeText } from "./made-text.ts";

/** NB: equal collections are subsets as well; to compare them first would walk twice at each level. */
function isSubset(outer: RegoValue, inner: RegoValue, pay: Pay): boolean {
  if (outer instanceof RegoObject && inner instanceof RegoObject) {
    return [...inner.entries()].every(([key, value]) => {
      const found = outer.get(key);
      return found !== undefined && isSubset(found, value, pay);
    });
  }
  if (outer instanceof RegoSet && inner instanceof RegoSet) return holdsAll(outer.items, inner.items, pay);
  return isRegoArray(outer) && isRegoArray(inner) ? holdsRun(outer, inner, pay) : equalRego(outer, inner);
}

const MAX_COMPARISONS = 1_000_000;
/** In fuel, of a member of a set, which was sorted to get here. */
const PER_MEMBER = 1_200;
/** In fuel, of a character of what is looked for at one place of an array. */
const PER_CHARACTER_COMPARED = 8;

/** Whether the items stand in the array one after the other. */
function holdsRun(outer: readonly RegoValue[], inner: readonly RegoValue[], pay: Pay): boolean {
  const starts = outer.length - inner.length + 1;
  if (starts < 1) return false;
  if (starts * inner.length > MAX_COMPARISONS) throw new BuiltinLimit("arrays are too long to compare");
  pay(starts * lengthOf(inner) * PER_CHARACTER_COMPARED);
  return Array.from({ length: starts }, (_, from) => from).some((from) =>
    inner.every((item, at) => equalRego(outer[from + at] ?? null, item)),
  );
}

/** Both sorted, as sets are. */
function holdsAll(outer: readonly RegoValue[], inner: readonly RegoValue[], pay: Pay): boolean {
  pay((outer.length + inner.length) * PER_MEMBER);
  let at = 0;
  return inner.every((item) => {
    while (at < outer.length && compareRego(outer[at] ?? null, item) < 0) at++;
    return at < outer.length && equalRego(outer[at] ?? null, item);
  });
}

/** As OPA counts: what stands twice in the array counts twice, and in none there is nothing. */
function countsAll(outer: readonly RegoValue[], inner: RegoSet, pay: Pay): boolean {
  pay((outer.length + inner.items.length) * PER_MEMBER);
  const wanted = new RegoObject(inner.items.map((item) => [item, true]));
  let missing = wanted.size;
  return outer.some((item) => {
    if (wanted.has(item)) missing--;
    return missing === 0;
  });
}

const MAX_RANGE = 100_000n;
/** In fuel. */
const PER_NUMBER = 300;

function rangeStep([from, to, step]: readonly [bigint, bigint, bigint], pay: Pay): RegoValue {
  if (step <= 0n) throw new BuiltinError("step must be positive");
  const distance = to > from ? to - from : from - to;
  if (distance / step > MAX_RANGE) throw new BuiltinLimit("range is too long");
  pay(Number(distance / step) * PER_NUMBER);
  const direction = to >= from ? step : -step;
  return Array.from({ length: Number(distance / step) + 1 }, (_, at) => regoInteger(from + BigInt(at) * direction));
}

const MAX_PATHS = 2_000;
/** In fuel: of a node that is visited, and of each before it on its path. */
const PER_NODE = 400;
const PER_NODE_BEFORE = 250;

/** Every path from a start to where it ends or would close a circle; a start without edges is a path of itself. */
function reachablePaths(graph: RegoObject, starts: readonly RegoValue[], { pay }: BuiltinCall): RegoValue {
  const paths: RegoValue[] = [];
  const commit = (path: readonly RegoValue[]): void => {
    if (paths.push(path) > MAX_PATHS) throw new BuiltinLimit("too many paths");
  };
  const visit = (node: RegoValue, path: readonly RegoValue[], seen: readonly RegoValue[]): void => {
    pay(PER_NODE + seen.length * PER_NODE_BEFORE);
    const edges = graph.get(node);
    const here = edges === undefined ? path : [...path, node];
    const neighbours = neighboursOf(edges);
    if (neighbours.length === 0) commit(here);
    for (const to of neighbours) {
      if ([...seen, node].some((other) => equalRego(other, to))) commit(here);
      else visit(to, here, [...seen, node]);
    }
  };
  for (const start of starts) {
    const edges = graph.get(start);
    if (edges === undefined) continue;
    const neighbours = neighboursOf(edges);
    if (neighbours.length === 0) commit([start]);
    for (const to of neighbours) visit(to, [start], [start]);
  }
  return regoSet(paths);
}

function neighboursOf(edges: RegoValue | undefined): readonly RegoValue[] {
  return edges instanceof RegoSet ? edges.items : isRegoArray(edges) ? edges : [];
}

type Layout = { readonly indent: string; readonly prefix: string };

function marshalOptions(options: RegoObject): Layout | undefined {
  const known = new Set(["pretty", "indent", "prefix"]);
  for (const [key] of options.entries()) if (!known.has(stringArg([key], 0))) throw wrongType(1, "known options");
  const pretty = options.get("pretty");
  const [indent, prefix] = [options.get("indent") ?? "\t", options.get("prefix") ?? ""];
  const wanted = pretty === undefined ? options.size > 0 : booleanArg([pretty], 0);
  return wanted ? { indent: stringArg([indent], 0), prefix: stringArg([prefix], 0) } : undefined;
}

type InArray = (outer: readonly RegoValue[], inner: RegoSet, pay: Pay) => boolean;

function subset(inArray: InArray): Builtin {
  return (args, { pay }) => {
    const [outer, inner] = [args[0] ?? null, args[1] ?? null];
    // Only here, and not inside, an array is asked for what is in a set.
    if (isRegoArray(outer) && inner instanceof RegoSet) return inArray(outer, inner, pay);
    const kinds = [outer, inner].map((value) =>
      isRegoArray(value) ? Array : value instanceof RegoSet ? RegoSet : RegoObject,
    );
    const areCollections = [outer, inner].every(
      (value) => isRegoArray(value) || value instanceof RegoSet || value instanceof RegoObject,
    );
    if (!areCollections || kinds[0] !== kinds[1]) throw new BuiltinError("both arguments must be of the same type");
    return isSubset(outer, inner, pay);
  };
}

export const OBJECT = builtinTable([
  ["object.subset", subset(countsAll)],
  [
    "numbers.range_step",
    (args, { pay }) => rangeStep([integerArg(args, 0), integerArg(args, 1), integerArg(args, 2)], pay),
  ],
  ["graph.reachable_paths", (args, call) => reachablePaths(objectArg(args, 0), itemsArg(args, 1), call)],
  [
    "json.marshal_with_options",
    (args, { pay }) => {
      const layout = marshalOptions(objectArg(args, 1));
      const compact = writeGoJson(args[0] ?? null);
      return layout === undefined ? compact : indentJson(compact, layout, pay);
    },
  ],
]);

/** Natively: to OPA two `"legal"` are enough where `"legal"` and `"finance"` are wanted. */
export const STRICT_OBJECT = builtinTable([
  ["object.subset", subset((outer, inner, pay) => holdsAll(regoSet(outer).items, inner.items, pay))],
]);

const JSON_TOKEN = /"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{[\]},:]/g;

/** Lays out compact JSON text as Go's json.Indent, behind a first prefix. NB: what stands before each line is as long as the value is deep. */
function indentJson(compact: string, { indent, prefix }: Layout, pay: Pay): string {
  const laidOut = new MadeText(pay);
  let [depth, from] = [0, 0];
  const breakLine = (): void => {
    laidOut.add("\n");
    laidOut.add(prefix);
    laidOut.add(indent, depth);
  };
  laidOut.add(prefix);
  for (const { 0: token, index } of compact.matchAll(JSON_TOKEN)) {
    laidOut.add(compact.slice(from, index));
    from = index + token.length;
    if (token === "}" || token === "]") {
      depth--;
      breakLine();
    }
    laidOut.add(token === ":" ? ": " : token);
    if (token === "{" || token === "[") depth++;
    if (token === "{" || token === "[" || token === ",") breakLine();
  }
  laidOut.add(compact.slice(from));
  return laidOut.text;
}
