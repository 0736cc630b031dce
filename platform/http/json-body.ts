/**
 * Parses a body like fastify's own parser: JSON, with or without a byte order mark, and without names that would reach the prototype of an object
 * into which somebody copies it. Such names are searched only if the text contains something that could be one. NB: unlike fastify's, it refuses
 * bytes that are not UTF-8 (RFC 8259 section 8.1): with replacement characters, two different ids become one.
 */
import { isUtf8 } from "node:buffer";

const BYTE_ORDER_MARK = 0xfeff;
const SUSPECT = /__proto__|constructor|\\u/;

type JsonBody = { readonly kind: "json"; readonly value: unknown } | { readonly kind: "not_json" };

export function parseJsonBody(bytes: Buffer): JsonBody {
  if (!isUtf8(bytes)) return { kind: "not_json" };
  const all = bytes.toString("utf8");
  const text = all.charCodeAt(0) === BYTE_ORDER_MARK ? all.slice(1) : all;
  try {
    const value: unknown = SUSPECT.test(text) ? JSON.parse(text, withoutPrototype) : JSON.parse(text);
    return { kind: "json", value };
  } catch {
    return { kind: "not_json" };
  }
}

/** For `addContentTypeParser` with `parseAs: "buffer"`. */
export function readJsonBody(
  _request: unknown,
  bytes: Buffer,
  done: (error: Error | null, value?: unknown) => void,
): void {
  const body = parseJsonBody(bytes);
  if (body.kind === "json") done(null, body.value);
  else done(Object.assign(new SyntaxError("the body is not JSON"), { statusCode: 400 }));
}

function withoutPrototype(name: string, value: unknown): unknown {
  const reaches =
    name === "__proto__" ||
    (name === "constructor" && typeof value === "object" && value !== null && Object.hasOwn(value, "prototype"));
  if (reaches) throw new SyntaxError("a name reaches a prototype");
  return value;
}
