/**
 * `json.filter`, `json.remove` and `object.union_n` as OPA does them. Paths make a tree, and one of no parts (`""`, `[]`) is none: the
 * module's own trap there. Nor does it take no objects at all, `[]`, while it takes a set of them.
 */
import { arrayArg, BuiltinError, builtinTable, itemsArg, objectArg, type Pay } from "../builtin.ts";
import { regoSet } from "../rego-value/order.ts";
import { isRegoArray, RegoObject, RegoSet, type RegoValue } from "../rego-value/value.ts";

/** In fuel: of a part of a path, which makes a node or finds one, and of a member of an object that is copied. */
const PER_PART = 3_000;
const PER_MEMBER = 900;

const END = null;

function partsOf(path: RegoValue): readonly RegoValue[] {
  if (isRegoArray(path)) return path;
  if (typeof path !== "string") throw new BuiltinError("operand 2 must be of strings and arrays of path segments");
  if (path === "") return [];
  const parts = path.replace(/^\/+/, "").split("/");
  return parts.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Objects of objects, in which a path ends at `END`. */
function treeOf(paths: readonly RegoValue[], pay: Pay): RegoObject {
  let tree = new RegoObject([]);
  for (const path of paths) {
    const parts = partsOf(path);
    pay(parts.length * PER_PART);
    if (parts.length > 0) tree = grown(tree, parts, pay);
  }
  return tree;
}

/** NB: what stands behind an end that is there is left out, and an end that comes later is one all the same. */
function grown(tree: RegoObject, parts: readonly RegoValue[], pay: Pay): RegoObject {
  const nodes: (readonly [RegoObject, RegoValue])[] = [];
  let node: RegoValue = tree;
  for (const part of parts) {
    if (node === END) return tree;
    const object: RegoObject = node instanceof RegoObject ? node : new RegoObject([]);
    pay(object.size * PER_MEMBER); // each is copied with what it gets
    nodes.push([object, part]);
    const below = object.get(part);
    node = below === undefined ? new RegoObject([]) : below;
  }
  let made: RegoValue = END;
  for (const [object, part] of nodes.toReversed()) made = object.with(part, made);
  return made instanceof RegoObject ? made : tree;
}

function filtered(value: RegoValue, tree: RegoValue): RegoValue {
  if (!(tree instanceof RegoObject)) return value;
  const kept = (key: RegoValue, item: RegoValue): readonly RegoValue[] => {
    const below = tree.get(key);
    return below === undefined ? [] : [filtered(item, below)];
  };
  if (isRegoArray(value)) return value.flatMap((item, at) => kept(String(at), item));
  if (value instanceof RegoSet) return regoSet(value.items.flatMap((item) => kept(item, item)));
  if (!(value instanceof RegoObject)) return value;
  return new RegoObject([...value.entries()].flatMap(([key, item]) => kept(key, item).map((left) => [key, left])));
}

/** Undefined where nothing is left. */
function removed(value: RegoValue, tree: RegoValue | undefined): readonly RegoValue[] {
  if (tree === END) return [];
  if (!(tree instanceof RegoObject)) return [value];
  if (isRegoArray(value)) return [value.flatMap((item, at) => removed(item, tree.get(String(at))))];
  if (value instanceof RegoSet) return [regoSet(value.items.flatMap((item) => removed(item, tree.get(item))))];
  if (!(value instanceof RegoObject)) return [value];
  const entries = [...value.entries()].flatMap(([key, item]) =>
    removed(item, tree.get(key)).map((left) => [key, left] as const),
  );
  return [new RegoObject(entries)];
}

/** What both have is the later one's, but for objects, which become one. */
function union(a: RegoValue | undefined, b: RegoValue, pay: Pay): RegoValue {
  if (!(a instanceof RegoObject && b instanceof RegoObject)) return b;
  pay((a.size + b.size) * PER_MEMBER);
  const both = [...b.entries()].map(([key, value]) => [key, union(a.get(key), value, pay)] as const);
  return new RegoObject([...a.entries(), ...both]);
}

export const OBJECT_PATHS = builtinTable([
  ["json.filter", (args, { pay }) => filtered(objectArg(args, 0), treeOf(itemsArg(args, 1), pay))],
  ["json.remove", (args, { pay }) => removed(objectArg(args, 0), treeOf(itemsArg(args, 1), pay))[0]],
  [
    "object.union_n",
    (args, { pay }) => {
      const objects = arrayArg(args, 0);
      return objects
        .map((_, at) => objectArg(objects, at))
        .reduce<RegoValue>((all, next) => union(all, next, pay), new RegoObject([]));
    },
  ],
]);
