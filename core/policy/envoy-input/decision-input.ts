/**
 * The input document of one decision, as JSON text: everything opa-envoy-plugin gives, field for field (only populated
 * fields, numbers as numbers, bytes as base64), and AuthZEN's subject, action, resource and context. Native mode: headers
 * are derived from the raw list, the body from raw bytes. What cannot be described is a fault: deny
 * `request_parse_error`, HTTP 400, as the plugin.
 */
import type { HttpRequest } from "../../domain/binding.ts";
import type { Json, Subject } from "../../domain/subject.ts";
import { regoOf } from "../rego-value/plain.ts";
import { RegoObject } from "../rego-value/value.ts";
import { writeJson } from "../rego-value/write.ts";
import { joinedHeaders } from "./attributes.ts";
import { parseBody } from "./parsed-body.ts";
import { parsePath } from "./parsed-path.ts";

/** `time` (RFC 3339), `source_address`, `state: {fresh}` and whatever else was gathered. */
export type DecisionContext = { readonly [name: string]: Json };

/** What is known of a call: `http` undefined for TCP, `attributes` as `createAttributes` made them. */
export type DescribedCall = {
  readonly http: HttpRequest | undefined;
  readonly attributes: { readonly [name: string]: Json };
};

export type DecisionInputText =
  | { readonly kind: "input"; readonly json: string }
  | { readonly kind: "fault"; readonly detail: string };

export function createDecisionInput(
  call: DescribedCall,
  subject: Subject | undefined,
  context: DecisionContext,
): DecisionInputText {
  const { http } = call;
  const headers = joinedHeaders(http);
  const path = parsePath(http === undefined ? "" : http.path + http.query);
  if (path.kind === "fault") return { kind: "fault", detail: path.message };
  const bytes = http?.body.kind === "bytes" ? http.body.bytes : undefined;
  const body = parseBody(headers, bytes);
  if (body.kind === "fault") return { kind: "fault", detail: body.message };
  const principal = textAt(call.attributes, ["source", "principal"]);
  const document = new RegoObject([
    [
      "version",
      new RegoObject([
        ["ext_authz", "v3"],
        ["encoding", "protojson"],
      ]),
    ],
    ["attributes", regoOf(call.attributes)],
    ["parsed_path", path.segments],
    ["parsed_query", new RegoObject(path.query.entries())],
    ["parsed_body", body.body],
    ["truncated_body", body.truncated || http?.body.kind === "partial"],
    ...(principal === "" ? [] : [["source_principal", principal] as const]),
    ["subject", subjectDocument(subject)],
    ["action", new RegoObject([["name", http?.method ?? "connect"]])],
    ["resource", resource(call)],
    ["context", regoOf(context)],
  ]);
  return { kind: "input", json: writeJson(document) };
}

function subjectDocument(subject: Subject | undefined): RegoObject {
  const properties = new RegoObject([
    ["issuer", subject?.issuer ?? ""],
    ["groups", subject?.groups ?? []],
    ["claims", regoOf(subject?.claims ?? {})],
    [
      "actors",
      (subject?.actors ?? []).map(
        (actor) =>
          new RegoObject([
            ["issuer", actor.issuer],
            ["id", actor.id],
          ]),
      ),
    ],
  ]);
  return new RegoObject([
    ["type", subject === undefined ? "anonymous" : "user"],
    ["id", subject?.id ?? ""],
    ["properties", properties],
  ]);
}

function resource({ http, attributes }: DescribedCall): RegoObject {
  if (http === undefined) {
    const service = textAt(attributes, ["destination", "service"]);
    const id = service || textAt(attributes, ["destination", "address", "socketAddress", "address"]);
    return new RegoObject([
      ["type", "tcp_connection"],
      ["id", id],
      ["properties", new RegoObject([])],
    ]);
  }
  const properties = new RegoObject([
    ["scheme", http.scheme],
    ["authority", http.authority],
    ["path", http.path],
  ]);
  return new RegoObject([
    ["type", "http_request"],
    ["id", http.authority + http.path],
    ["properties", properties],
  ]);
}

/** The text at a path of keys, or an empty text. */
function textAt(json: Json, keys: readonly string[]): string {
  let at: unknown = json;
  for (const key of keys) at = typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined;
  return typeof at === "string" ? at : "";
}
