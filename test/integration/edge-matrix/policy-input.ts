/**
 * The last step of the way to a policy: whether the document that it was given says of the request what the upstream got. Paths, queries and
 * bodies are read here once more, from what arrived there, by nothing that the service reads them with.
 */
import { isDeepStrictEqual } from "node:util";
import type { Received } from "../../harness/recording-upstream.ts";
import type { HeaderLines } from "./own-headers.ts";

type Expected = {
  readonly isCompat: boolean;
  /** What of the body is to be seen; undefined: nothing. In compatibility mode as text, else as Latin-1. */
  readonly body: string | undefined;
  /** What is wrong with the headers that were given, if anything is. */
  readonly headers: (given: HeaderLines) => string | undefined;
};

/** One sentence, or undefined when it says the same. */
export function inputDifference(
  input: unknown,
  got: Received,
  { isCompat, body, headers }: Expected,
): string | undefined {
  const http = at(input, "attributes", "request", "http");
  if (http === undefined) return "the policy was given no HTTP request";
  const queryAt = got.url.indexOf("?");
  const [path, query] = queryAt < 0 ? [got.url, ""] : [got.url.slice(0, queryAt), got.url.slice(queryAt + 1)];
  const host = got.headers.host ?? "";
  const authority = host.toLowerCase();
  const seen = body === "" ? undefined : body;
  const same: readonly (readonly [what: string, given: unknown, got: unknown])[] = [
    ["path", at(http, "path"), got.url],
    ["method", at(http, "method"), got.method],
    ["host", at(http, "host"), isCompat ? host : authority],
    ["parsed_path", at(input, "parsed_path"), unescaped(path, false).replace(/^\/+/, "").split("/")],
    ["parsed_query", at(input, "parsed_query"), fieldsOf(query)],
    ["parsed_body", at(input, "parsed_body"), parsedBody(got, seen, isCompat)],
    ["truncated_body", at(input, "truncated_body"), false],
    ["body", at(http, "body"), isCompat ? seen : undefined],
    ["rawBody", at(http, "rawBody"), isCompat ? undefined : seen && Buffer.from(seen, "latin1").toString("base64")],
    ["action.name", at(input, "action", "name"), isCompat ? undefined : got.method],
    ["resource.id", at(input, "resource", "id"), isCompat ? undefined : authority + path],
    ["resource's path", at(input, "resource", "properties", "path"), isCompat ? undefined : path],
    ["resource's authority", at(input, "resource", "properties", "authority"), isCompat ? undefined : authority],
  ];
  for (const [what, given, arrived] of same) {
    if (!isDeepStrictEqual(given, arrived))
      return `input ${what}: ${JSON.stringify(given)}, got ${JSON.stringify(arrived)}`;
  }
  const wrong = headers(
    Object.entries(Object(at(http, "headers"))).map(([name, value]) => [name, String(value)] as const),
  );
  return wrong === undefined ? undefined : `input ${wrong}`;
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (within, name) =>
      typeof within === "object" && within !== null ? new Map(Object.entries(within)).get(name) : undefined,
    value,
  );
}

/** Bytes that are no UTF-8 are U+FFFD on both sides: the document has come as JSON. */
function unescaped(text: string, isForm: boolean): string {
  const latin1 = (isForm ? text.replaceAll("+", " ") : text).replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(latin1, "latin1").toString("utf8");
}

function fieldsOf(text: string): object {
  const fields = new Map<string, string[]>();
  for (const pair of text.split("&").filter((one) => one !== "")) {
    const [name = "", ...value] = pair.split("=");
    const key = unescaped(name, true);
    fields.set(key, [...(fields.get(key) ?? []), unescaped(value.join("="), true)]);
  }
  return Object.fromEntries(fields);
}

/** Of a body that was seen, by its type; in compatibility mode only by the spelling that the plugin knows. */
function parsedBody({ headers, body }: Received, seen: string | undefined, isCompat: boolean): unknown {
  const named = headers["content-type"] ?? "";
  const type = isCompat ? named : named.toLowerCase();
  if (seen === undefined) return null;
  if (type.includes("application/json")) return JSON.parse(body.toString("utf8"));
  return type.includes("application/x-www-form-urlencoded") ? fieldsOf(body.toString("latin1")) : null;
}
