/**
 * `parsed_body` and `truncated_body` much as opa-envoy-plugin makes them: the content type is found by a substring, JSON keeps the text of its
 * numbers, forms become lists by name; anything else is `null`. Divergences, so that policy and upstream do not read one body in two ways: the
 * content type is matched in any case. Refused are JSON with a name twice in one object or with bytes that are not UTF-8 (with replacement
 * characters, two texts become one), compressed bodies (`content-encoding`), which the plugin parses as if they were not compressed, and JSON
 * deeper than 2,000 levels (10,000 there). Multipart and gRPC bodies are `null`.
 */
import { isUtf8 } from "node:buffer";
import { AppError } from "../../domain/app-error.ts";
import { parseGoQuery } from "../go-query.ts";
import { textOfBytes } from "../rego-value/bytes.ts";
import { parseValue } from "../rego-value/parse.ts";
import { RegoObject, type RegoValue } from "../rego-value/value.ts";

export type ParsedBody =
  | { readonly kind: "parsed"; readonly body: RegoValue; readonly truncated: boolean }
  | { readonly kind: "fault"; readonly message: string };

const NOTHING: ParsedBody = { kind: "parsed", body: null, truncated: false };
const TRUNCATED: ParsedBody = { kind: "parsed", body: null, truncated: true };

/** `headers`: lower-case name → values joined by `,`. `body`: the bytes as received, undefined when none were sent. */
export function parseBody(headers: Pick<ReadonlyMap<string, string>, "get">, body: Uint8Array | undefined): ParsedBody {
  if (headers.get("x-envoy-auth-partial-body") === "true") return TRUNCATED;
  const type = headers.get("content-type")?.toLowerCase();
  if (type === undefined || body === undefined || body.length === 0) return NOTHING;
  const isJson = type.includes("application/json");
  const isForm = !type.includes("application/grpc") && type.includes("application/x-www-form-urlencoded");
  if (!isJson && !isForm) return NOTHING;
  // NB: a fault and not null: a denial that asks what the body says must not be silenced by a header.
  if (isEncoded(headers.get("content-encoding"))) return { kind: "fault", message: "it is compressed or encoded" };
  const length = headers.get("content-length");
  if (length !== undefined) {
    if (!/^[+-]?\d+$/.test(length)) return { kind: "fault", message: "invalid content-length" };
    if (BigInt(length.replace(/^\+/, "")) > BigInt(body.length)) return TRUNCATED;
  }
  if (!isJson) return formBody(body);
  if (!isUtf8(body)) return { kind: "fault", message: "it is not UTF-8" };
  return jsonBody(Buffer.from(body).toString("utf8"), "unambiguous_json");
}

function isEncoded(codings = ""): boolean {
  return codings.split(",").some((coding) => !["", "identity"].includes(coding.trim().toLowerCase()));
}

export function jsonBody(text: string, grammar: "json" | "unambiguous_json" = "json"): ParsedBody {
  try {
    return { kind: "parsed", body: parseValue(text, grammar), truncated: false };
  } catch (error) {
    if (error instanceof AppError) return { kind: "fault", message: error.detail };
    if (error instanceof RangeError) return { kind: "fault", message: "exceeded max depth" };
    throw error;
  }
}

export function formBody(body: Uint8Array): ParsedBody {
  const parsed = parseGoQuery(textOfBytes(body));
  if (parsed.kind === "fault") return parsed;
  return { kind: "parsed", body: new RegoObject(parsed.values.entries()), truncated: false };
}
