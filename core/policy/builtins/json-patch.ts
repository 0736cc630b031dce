/** `json.patch`: RFC 6902 on Rego values; paths are pointers or lists of segments. Any operation that fails fails all. */
import { arrayArg, BuiltinError, BuiltinLimit, builtinTable, objectArg, type Pay, stringArg } from "../builtin.ts";
import { equalRego, regoSet } from "../rego-value/order.ts";
import { lengthOf } from "../rego-value/write.ts";
import { isRegoArray, RegoObject, RegoSet, RegoNumber, type RegoValue } from "../rego-value/value.ts";

type Path = readonly RegoValue[];

/** In fuel: each operation copies the collections that its paths lead through. */
const PER_OPERATION = 2_000;
const PER_MEMBER = 200;
/** Of a set on the way, whose members are compared, and of what is copied and so measured. */
const PER_CHARACTER = 12;
/** Characters. */
const MAX_COPY = 100_000;

function pathOf(value: RegoValue | undefined): Path {
  if (isRegoArray(value)) return value;
  if (typeof value !== "string") throw new BuiltinError("path must be a string or an array");
  const text = value.replace(/^\/+/, "");
  if (value === "") return [];
  return text.split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function indexOf(list: readonly RegoValue[], key: RegoValue, insert: boolean): number {
  if (insert && key === "-") return list.length;
  const text = key instanceof RegoNumber ? key.text : key;
  if (typeof text !== "string" || !/^(?:0|[1-9]\d*)$/.test(text)) throw new BuiltinError("bad array index");
  const index = Number(text);
  if (index > list.length || (!insert && index === list.length)) throw new BuiltinError("array index out of range");
  return index;
}

function memberOf(value: RegoValue, key: RegoValue): RegoValue | undefined {
  if (isRegoArray(value)) return value[Number(key instanceof RegoNumber ? key.text : key)];
  if (value instanceof RegoObject) return value.get(key);
  return value instanceof RegoSet ? value.items.find((item) => equalRego(item, key)) : undefined;
}

function child(value: RegoValue, key: RegoValue): RegoValue {
  if (isRegoArray(value)) return value[indexOf(value, key, false)] ?? null;
  const found = memberOf(value, key);
  if (found === undefined) throw new BuiltinError("path does not exist");
  return found;
}

function lookUp(value: RegoValue, path: Path): RegoValue {
  return path.reduce((at, key) => child(at, key), value);
}

/** Rebuilds the values on the way to the parent of the target, which `change` replaces. */
function atParent(value: RegoValue, path: Path, change: (parent: RegoValue, key: RegoValue) => RegoValue): RegoValue {
  const [key, ...rest] = path;
  if (key === undefined) throw new BuiltinError("the root cannot be changed so");
  if (rest.length === 0) return change(value, key);
  const replaced = atParent(child(value, key), rest, change);
  if (value instanceof RegoSet) return regoSet([...value.items.filter((item) => !equalRego(item, key)), replaced]);
  return put(value, key, replaced, false);
}

function put(parent: RegoValue, key: RegoValue, value: RegoValue, insert: boolean): RegoValue {
  if (isRegoArray(parent)) return parent.toSpliced(indexOf(parent, key, insert), insert ? 0 : 1, value);
  if (parent instanceof RegoObject) return parent.with(key, value);
  if (parent instanceof RegoSet && equalRego(key, value)) return regoSet([...parent.items, value]);
  throw new BuiltinError("the parent is not a collection");
}

function remove(value: RegoValue, path: Path): RegoValue {
  return atParent(value, path, (parent, key) => {
    child(parent, key);
    if (isRegoArray(parent)) return parent.toSpliced(indexOf(parent, key, false), 1);
    if (parent instanceof RegoSet) return regoSet(parent.items.filter((item) => !equalRego(item, key)));
    return objectArg([parent], 0).without(key);
  });
}

function add(value: RegoValue, path: Path, item: RegoValue): RegoValue {
  return path.length === 0 ? item : atParent(value, path, (parent, key) => put(parent, key, item, true));
}

/** Pays for the collections on the paths of an operation. */
function payTheWay(document: RegoValue, operation: RegoObject, pay: Pay): void {
  pay(PER_OPERATION);
  const paths = [operation.get("path"), operation.get("from")].filter((path) => path !== undefined);
  for (const path of paths) payAlong(document, pathOf(path), pay);
}

function payAlong(value: RegoValue, [key, ...rest]: Path, pay: Pay): void {
  if (isRegoArray(value)) pay(value.length * PER_MEMBER);
  else if (value instanceof RegoObject) pay(value.size * PER_MEMBER);
  else if (value instanceof RegoSet) pay(value.items.length * PER_MEMBER + lengthOf(value) * PER_CHARACTER);
  const next = key === undefined ? undefined : memberOf(value, key);
  if (next !== undefined) payAlong(next, rest, pay);
}

function apply(document: RegoValue, operation: RegoObject, pay: Pay): RegoValue {
  const path = pathOf(operation.get("path"));
  const given = (): RegoValue => {
    const value = operation.get("value");
    if (value === undefined) throw new BuiltinError("missing value");
    return value;
  };
  switch (stringArg([operation.get("op") ?? null], 0)) {
    case "add":
      return add(document, path, given());
    case "remove":
      return remove(document, path);
    case "replace":
      if (path.length === 0) return given();
      return add(remove(document, path), path, given());
    case "move": {
      const from = pathOf(operation.get("from"));
      return add(remove(document, from), path, lookUp(document, from));
    }
    case "copy": {
      // NB: a copy shares what it copies, so a document of a few bytes can come to hold 2^40 of them.
      const copied = lookUp(document, pathOf(operation.get("from")));
      const length = lengthOf(copied, MAX_COPY);
      pay(length * PER_CHARACTER);
      if (length > MAX_COPY) throw new BuiltinLimit("the copy is too large");
      return add(document, path, copied);
    }
    case "test":
      if (!equalRego(lookUp(document, path), given())) throw new BuiltinError("test failed");
      return document;
    default:
      throw new BuiltinError("unknown operation");
  }
}

export const JSON_PATCH = builtinTable([
  [
    "json.patch",
    (args, { pay }) => {
      const operations = arrayArg(args, 1).map((_, at) => objectArg(arrayArg(args, 1), at));
      return operations.reduce<RegoValue>((document, operation) => {
        payTheWay(document, operation, pay);
        return apply(document, operation, pay);
      }, args[0] ?? null);
    },
  ],
]);
