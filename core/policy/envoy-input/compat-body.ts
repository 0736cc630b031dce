/**
 * `parsed_body` and `truncated_body` of compatibility mode: JSON, gRPC, forms and multipart, tried in this order and with the same faults as
 * opa-envoy-plugin. Text comes from `body`, or from `rawBody` if Envoy packs bytes; gRPC only from `rawBody`. The rules of native mode
 * (parsed-body.ts) are narrower and separate.
 */
import { appendTo } from "../append-to.ts";
import { bytesOfText, textOfBytes } from "../rego-value/bytes.ts";
import { isRegoArray, RegoObject, type RegoValue } from "../rego-value/value.ts";
import type { GrpcBodies } from "./grpc-body.ts";
import { parseMediaType } from "./media-type.ts";
import { multipartForm } from "./multipart.ts";
import { formBody, jsonBody, type ParsedBody } from "./parsed-body.ts";

type CompatBody = {
  /** The value of a lower-case header name, in its exact spelling. */
  readonly header: (name: string) => string | undefined;
  readonly path: readonly string[];
  readonly body: string;
  readonly rawBody: Uint8Array;
};

const NOTHING: ParsedBody = { kind: "parsed", body: null, truncated: false };
const TRUNCATED: ParsedBody = { kind: "parsed", body: null, truncated: true };
const MAX_INT64 = 2n ** 63n - 1n;

/** `grpc` is undefined when no proto descriptor is configured. */
export function parseCompatBody(given: CompatBody, grpc: GrpcBodies | undefined): ParsedBody {
  if (given.header("x-envoy-auth-partial-body") === "true") return TRUNCATED;
  const type = given.header("content-type") ?? "";
  if (type.includes("application/json")) {
    // Bytes that are not UTF-8 become U+FFFD one by one, as Go's decoder has it.
    return withPayload(given, (payload) => jsonBody(textOfBytes(payload).toWellFormed()));
  }
  if (type.includes("application/grpc")) {
    return grpc === undefined || given.rawBody.length === 0 ? NOTHING : grpc.parse(given.path, given.rawBody);
  }
  const isForm = type.includes("application/x-www-form-urlencoded");
  if (isForm) return withPayload(given, (payload) => replacingBytes(formBody(payload)));
  if (type.includes("multipart/form-data")) {
    return withPayload(given, (payload) => replacingBytes(multipartBody(type, payload)));
  }
  return NOTHING;
}

/** In forms, bytes that are not UTF-8 are U+FFFD: unlike path and query, the plugin takes them through JSON. */
function replacingBytes(parsed: ParsedBody): ParsedBody {
  if (parsed.kind === "fault" || !(parsed.body instanceof RegoObject)) return parsed;
  const text = (value: RegoValue): RegoValue => (typeof value === "string" ? value.toWellFormed() : value);
  const fields = [...parsed.body.entries()].map(
    ([name, values]) => [text(name), isRegoArray(values) ? values.map(text) : values] as const,
  );
  return { ...parsed, body: new RegoObject(fields) };
}

function withPayload({ header, body, rawBody }: CompatBody, parse: (payload: Uint8Array) => ParsedBody): ParsedBody {
  const payload = body === "" ? rawBody : bytesOfText(body);
  if (payload.length === 0) return NOTHING;
  const length = header("content-length");
  if (length !== undefined) {
    const stated = parseInt64(length);
    if (stated === undefined) return { kind: "fault", message: `strconv.ParseInt: parsing ${JSON.stringify(length)}` };
    if (stated > BigInt(payload.length)) return TRUNCATED;
  }
  return parse(payload);
}

/** Go's ParseInt: a sign, leading zeros, no blanks. */
function parseInt64(text: string): bigint | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ""));
  return value > MAX_INT64 || value < -MAX_INT64 - 1n ? undefined : value;
}

function multipartBody(type: string, payload: Uint8Array): ParsedBody {
  const latin1 = (text: string) => Buffer.from(text, "utf8").toString("latin1");
  const parsed = parseMediaType(latin1(type));
  if (parsed.kind === "fault") return parsed;
  const boundary = parsed.parameters.get("boundary");
  if (boundary === undefined) return NOTHING;
  const form = multipartForm(Buffer.from(payload).toString("latin1"), boundary);
  if (form.kind === "fault") return form;
  const fields = new Map<string, RegoValue[]>();
  for (const part of form.parts) {
    const text = textOfBytes(Buffer.from(part.content, "latin1"));
    const name = textOfBytes(Buffer.from(part.name, "latin1"));
    let value: RegoValue = text;
    if (part.contentType.includes("application/json")) {
      const json = jsonBody(text.toWellFormed());
      if (json.kind === "fault") return json;
      value = json.body;
    }
    appendTo(fields, name, value);
  }
  return { kind: "parsed", body: new RegoObject(fields.entries()), truncated: false };
}
