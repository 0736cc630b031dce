/**
 * Where a `$ref` of a JSON Schema leads: to a part of the same document by pointer, or to a subschema by its `$id`.
 * NB: nothing is ever fetched; a reference that leads out of the document is an error.
 */
import { BuiltinError, BuiltinLimit } from "../../builtin.ts";
import { unescapePercent } from "../../go-query.ts";
import { isRegoArray, RegoObject, type RegoValue } from "../../rego-value/value.ts";

export type References = {
  /** The absolute form of the reference that stands in this node. */
  absolute(node: RegoObject): string;
  /** @throws BuiltinError when it leads nowhere */
  find(absolute: string): RegoValue;
};

const MAX_DEPTH = 200;
/** Members whose members are schemas or not, but never keywords. */
const MAPS = new Set(["properties", "dependencies", "patternProperties"]);
const LITERALS = new Set(["const", "enum"]);

export function referencesOf(document: RegoValue): References {
  const byId = new Map<string, RegoValue>([["", document]]);
  const absoluteOf = new Map<RegoObject, string>();

  const walk = (node: RegoValue, base: string, depth: number): void => {
    if (depth > MAX_DEPTH) throw new BuiltinLimit("the schema is nested too deep");
    if (isRegoArray(node)) for (const item of node) walk(item, base, depth + 1);
    if (!(node instanceof RegoObject)) return;
    const id = node.get(node.has("id") ? "id" : "$id");
    const here = typeof id === "string" ? resolve(base, id) : base;
    if (typeof id === "string") {
      if (byId.has(here)) throw new BuiltinError(`Reference already exists: "${here}"`);
      byId.set(here, node);
    }
    const reference = node.get("$ref");
    if (typeof reference === "string") absoluteOf.set(node, resolve(here, reference));
    for (const [key, value] of node.entries()) {
      if (typeof key === "string" && LITERALS.has(key)) continue;
      const isMap = typeof key === "string" && MAPS.has(key) && value instanceof RegoObject;
      if (!isMap) walk(value, here, depth + 1);
      else for (const [, member] of value.entries()) walk(member, here, depth + 1);
    }
  };
  walk(document, "", 0);

  return {
    absolute: (node) => absoluteOf.get(node) ?? "",
    find(absolute) {
      const known = byId.get(absolute);
      if (known !== undefined) return known;
      const hash = absolute.indexOf("#");
      const root = byId.get(hash < 0 ? absolute : absolute.slice(0, hash));
      if (root === undefined) throw new BuiltinError("a reference leads out of the schema");
      return byPointer(root, hash < 0 ? "" : absolute.slice(hash + 1));
    },
  };
}

function byPointer(root: RegoValue, fragment: string): RegoValue {
  const decoded = unescapePercent(fragment, false);
  if (decoded.kind === "bad_escape" || (decoded.text !== "" && !decoded.text.startsWith("/"))) {
    throw new BuiltinError("a reference is no JSON pointer");
  }
  let at = root;
  for (const part of decoded.text.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    const next =
      at instanceof RegoObject ? at.get(key) : isRegoArray(at) && /^\d+$/.test(key) ? at[Number(key)] : undefined;
    if (next === undefined) throw new BuiltinError(`Object has no key '${key}'`);
    at = next;
  }
  return at;
}

const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const HIERARCHY = /^([A-Za-z][A-Za-z0-9+.-]*:)?(\/\/[^/?#]*)?([^?#]*)/;

/** RFC 3986 section 5.2, as far as identifiers of schemas go. An empty fragment is dropped. */
function resolve(base: string, reference: string): string {
  const plain = reference.replace(/#$/, "");
  const bare = base.replace(/#.*$/s, "");
  if (plain === "" || plain.startsWith("#")) return `${bare}${plain}`;
  if (ABSOLUTE.test(plain) || bare === "") return plain;
  const [, scheme = "", authority = "", path = ""] = HIERARCHY.exec(bare) ?? [];
  if (plain.startsWith("//")) return `${scheme}${plain}`;
  if (plain.startsWith("/")) return `${scheme}${authority}${plain}`;
  return `${scheme}${authority}${withoutDots(`${path.slice(0, path.lastIndexOf("/") + 1) || "/"}${plain}`)}`;
}

function withoutDots(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") kept.splice(Math.max(kept.length - 1, 1));
    else if (segment !== ".") kept.push(segment);
  }
  return kept.join("/");
}
