/**
 * A body as both ways through HTTP read it: JSON, with or without a byte order mark, and without names that would reach the prototype of an object which
 * somebody copies it into. Such names are looked for only where the text holds something that could be one.
 */
const BYTE_ORDER_MARK = 0xfeff;
const SUSPECT = /__proto__|constructor|\\u/;

type JsonBody = { readonly kind: "json"; readonly value: unknown } | { readonly kind: "not_json" };

export function parseJsonBody(bytes: Buffer): JsonBody {
  const all = bytes.toString("utf8");
  const text = all.charCodeAt(0) === BYTE_ORDER_MARK ? all.slice(1) : all;
  try {
    const value: unknown = SUSPECT.test(text) ? JSON.parse(text, withoutPrototype) : JSON.parse(text);
    return { kind: "json", value };
  } catch {
    return { kind: "not_json" };
  }
}

function withoutPrototype(name: string, value: unknown): unknown {
  const reaches =
    name === "__proto__" ||
    (name === "constructor" && typeof value === "object" && value !== null && Object.hasOwn(value, "prototype"));
  if (reaches) throw new SyntaxError("a name reaches a prototype");
  return value;
}
