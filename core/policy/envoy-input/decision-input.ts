/**
 * The input document of one decision, as JSON text: everything opa-envoy-plugin gives, field for field (only populated
 * fields, numbers as numbers, bytes as base64), and AuthZEN's subject, action, resource and context. Native mode: headers
 * are derived from the raw list, the body from raw bytes. What cannot be described is a fault: deny
 * `request_parse_error`, HTTP 400, as the plugin.
 */
import type { HttpRequest } from "../../domain/binding.ts";
import type { Json, Subject } from "../../domain/subject.ts";
import { regoOf } from "../rego-value/plain.ts";
import { RegoObject, type RegoValue, regoInteger } from "../rego-value/value.ts";
import { writeJson } from "../rego-value/write.ts";
import { parseBody } from "./parsed-body.ts";
import { parsePath } from "./parsed-path.ts";

/** One end of the connection, as the enforcer describes it; empty texts and zero are left out of the document. */
export type Peer = {
  readonly address: string;
  readonly port: number;
  readonly principal: string;
  readonly service: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly certificate: string;
};

/** One call as the enforcer described it. `http` is undefined for a TCP connection. */
export type EnforcedCall = {
  readonly source: Peer | undefined;
  readonly destination: Peer | undefined;
  readonly time: { readonly seconds: bigint; readonly nanos: number } | undefined;
  readonly http: HttpRequest | undefined;
  /** Envoy's own id of the request, its protocol and the size it states (−1: unknown). Informative only. */
  readonly httpDetails: { readonly id: string; readonly protocol: string; readonly size: bigint } | undefined;
  readonly contextExtensions: ReadonlyMap<string, string>;
  readonly tlsServerName: string | undefined;
};

/** `time` (RFC 3339), `source_address`, `state: {fresh}` and whatever else was gathered. */
export type DecisionContext = { readonly [name: string]: Json };

export type DecisionInputText =
  | { readonly kind: "input"; readonly json: string }
  | { readonly kind: "fault"; readonly detail: string };

type Field = readonly [string, RegoValue];

export function createDecisionInput(
  call: EnforcedCall,
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
  const principal = call.source?.principal ?? "";
  const document = new RegoObject([
    [
      "version",
      new RegoObject([
        ["ext_authz", "v3"],
        ["encoding", "protojson"],
      ]),
    ],
    ["attributes", attributes(call, headers, bytes)],
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

function joinedHeaders(http: HttpRequest | undefined): ReadonlyMap<string, string> {
  return new Map([...(http?.headers ?? [])].map(([name, values]) => [name, values.join(",")]));
}

function attributes(
  call: EnforcedCall,
  headers: ReadonlyMap<string, string>,
  rawBody: Uint8Array | undefined,
): RegoObject {
  const fields: Field[] = [];
  if (call.source !== undefined) fields.push(["source", peer(call.source)]);
  if (call.destination !== undefined) fields.push(["destination", peer(call.destination)]);
  const request: Field[] = [];
  if (call.time !== undefined) {
    const { seconds, nanos } = call.time;
    const time: Field[] = [];
    if (seconds !== 0n) time.push(["seconds", regoInteger(seconds)]);
    if (nanos !== 0) time.push(["nanos", regoInteger(nanos)]);
    request.push(["time", new RegoObject(time)]);
  }
  if (call.http !== undefined) request.push(["http", httpAttributes(call, call.http, headers, rawBody)]);
  if (request.length > 0) fields.push(["request", new RegoObject(request)]);
  if (call.contextExtensions.size > 0) fields.push(["contextExtensions", new RegoObject(call.contextExtensions)]);
  if (call.tlsServerName !== undefined) fields.push(["tlsSession", new RegoObject([["sni", call.tlsServerName]])]);
  return new RegoObject(fields);
}

function httpAttributes(
  call: EnforcedCall,
  http: HttpRequest,
  headers: ReadonlyMap<string, string>,
  rawBody: Uint8Array | undefined,
): RegoObject {
  const details = call.httpDetails;
  const fields: Field[] = [
    ...texts({ id: details?.id, method: http.method, path: http.path + http.query, host: http.authority }),
    ...texts({ scheme: http.scheme, protocol: details?.protocol }),
  ];
  if (headers.size > 0) fields.push(["headers", new RegoObject(headers)]);
  if (details !== undefined && details.size !== 0n) fields.push(["size", regoInteger(details.size)]);
  if (rawBody !== undefined && rawBody.length > 0) fields.push(["rawBody", Buffer.from(rawBody).toString("base64")]);
  return new RegoObject(fields);
}

function peer(end: Peer): RegoObject {
  const fields: Field[] = [];
  if (end.address !== "") {
    const socket = new RegoObject([
      ["address", end.address],
      ["portValue", regoInteger(end.port)],
    ]);
    fields.push(["address", new RegoObject([["socketAddress", socket]])]);
  }
  fields.push(...texts({ principal: end.principal, service: end.service, certificate: end.certificate }));
  if (end.labels.size > 0) fields.push(["labels", new RegoObject(end.labels)]);
  return new RegoObject(fields);
}

/** Only the texts that are not empty, as protobuf does not tell empty from absent. */
function texts(named: { readonly [name: string]: string | undefined }): Field[] {
  return Object.entries(named).flatMap(([name, text]) => (text ? [[name, text] as const] : []));
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

function resource({ http, destination }: EnforcedCall): RegoObject {
  if (http === undefined) {
    const id = destination === undefined ? "" : destination.service || `${destination.address}:${destination.port}`;
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
