/**
 * The input document of compatibility mode, as JSON text: exactly what opa-envoy-plugin gives, from attributes that were read from the wire
 * (message-document.ts). What cannot be described is a fault; the plugin answers it with 400 and never asks the policy.
 */
import { bytesOfText } from "../rego-value/bytes.ts";
import { RegoObject, type RegoValue } from "../rego-value/value.ts";
import { writeJson } from "../rego-value/write.ts";
import { parseCompatBody } from "./compat-body.ts";
import type { GrpcBodies } from "./grpc-body.ts";
import { parsePath } from "./parsed-path.ts";

export type CompatInputOptions = {
  /** Neither `parsed_body` nor `truncated_body`. */
  readonly skipRequestBodyParse: boolean;
  /** By the configured proto descriptor. */
  readonly grpcBodies: GrpcBodies | undefined;
};

type CompatInput =
  | { readonly kind: "input"; readonly json: string }
  | { readonly kind: "fault"; readonly message: string };

const VERSION = new RegoObject([
  ["ext_authz", "v3"],
  ["encoding", "protojson"],
]);

/** `request` is the whole CheckRequest as a document: `{}` or `{attributes}`. */
export function createCompatInput(request: RegoObject, options: CompatInputOptions): CompatInput {
  const attributes = objectAt(request, "attributes");
  const http = objectAt(objectAt(attributes, "request"), "http");
  const path = parsePath(textAt(http, "path"));
  if (path.kind === "fault") return path;
  const entries: [string, RegoValue][] = [...textEntries(request), ["version", VERSION]];
  entries.push(["parsed_path", path.segments], ["parsed_query", new RegoObject(path.query.entries())]);
  if (!options.skipRequestBodyParse) {
    const headers = objectAt(http, "headers");
    const given = {
      header: (name: string) => stringOf(headers?.get(name)),
      path: path.segments,
      body: textAt(http, "body"),
      rawBody: Buffer.from(textAt(http, "rawBody"), "base64"),
    };
    const body = parseCompatBody(given, options.grpcBodies);
    if (body.kind === "fault") return body;
    entries.push(["parsed_body", body.body], ["truncated_body", body.truncated]);
  }
  const principal = textAt(objectAt(attributes, "source"), "principal");
  if (principal !== "") entries.push(["source_principal", principal]);
  return { kind: "input", json: writeJson(new RegoObject(entries)) };
}

/** `body`: its bytes as they were sent, as text or packed; empty where there are none. */
export function httpRequestOf(request: RegoObject): { readonly isHttp: boolean; readonly body: () => Uint8Array } {
  const http = objectAt(objectAt(objectAt(request, "attributes"), "request"), "http");
  return {
    isHttp: http !== undefined,
    body() {
      const text = textAt(http, "body");
      return text === "" ? Buffer.from(textAt(http, "rawBody"), "base64") : bytesOfText(text);
    },
  };
}

function textEntries(object: RegoObject): [string, RegoValue][] {
  return [...object.entries()].flatMap(([key, value]) => (typeof key === "string" ? [[key, value]] : []));
}

function objectAt(object: RegoObject | undefined, key: string): RegoObject | undefined {
  const value = object?.get(key);
  return value instanceof RegoObject ? value : undefined;
}

function textAt(object: RegoObject | undefined, key: string): string {
  return stringOf(object?.get(key)) ?? "";
}

function stringOf(value: RegoValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
