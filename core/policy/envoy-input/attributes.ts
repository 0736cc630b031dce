/**
 * `input.attributes` of one call: opa-envoy-plugin's names, only populated fields, bytes as base64, numbers as numbers.
 * In native mode the enforcer sends headers as a raw list, so `headers` is derived here (values joined by `,`).
 */
import type { HttpRequest } from "../../domain/binding.ts";
import type { Json } from "../../domain/subject.ts";

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
  readonly time: { readonly seconds: number; readonly nanos: number } | undefined;
  readonly http: HttpRequest | undefined;
  /** Envoy's own id of the request, its protocol and the size it states (−1: unknown). Informative only. */
  readonly httpDetails: { readonly id: string; readonly protocol: string; readonly size: number } | undefined;
  readonly contextExtensions: ReadonlyMap<string, string>;
  readonly tlsServerName: string | undefined;
};

type Fields = { readonly [name: string]: Json };

/** NB: a null-prototype object; header names such as `__proto__` are keys like any other. */
export function createAttributes(call: EnforcedCall): Fields {
  return fields([
    ["source", call.source && peer(call.source)],
    ["destination", call.destination && peer(call.destination)],
    ["request", request(call)],
    ["contextExtensions", call.contextExtensions.size > 0 ? fields(call.contextExtensions) : undefined],
    ["tlsSession", call.tlsServerName === undefined ? undefined : fields([["sni", call.tlsServerName]])],
  ]);
}

/** Lower-case name → values joined by `,`, as Envoy joins them itself outside of raw mode. */
function joinedHeaders(http: HttpRequest): ReadonlyMap<string, string> {
  return new Map([...http.headers].map(([name, values]) => [name, values.join(",")]));
}

function request(call: EnforcedCall): Json | undefined {
  const { time, http } = call;
  if (time === undefined && http === undefined) return undefined;
  const seconds =
    time &&
    fields([
      ["seconds", time.seconds || undefined],
      ["nanos", time.nanos || undefined],
    ]);
  return fields([
    ["time", seconds],
    ["http", http && httpFields(call, http)],
  ]);
}

function httpFields(call: EnforcedCall, http: HttpRequest): Fields {
  const headers = joinedHeaders(http);
  const bytes = http.body.kind === "bytes" && http.body.bytes.length > 0 ? http.body.bytes : undefined;
  return fields([
    ["id", call.httpDetails?.id],
    ["method", http.method],
    ["path", http.path + http.query],
    ["host", http.authority],
    ["scheme", http.scheme],
    ["protocol", call.httpDetails?.protocol],
    ["headers", headers.size > 0 ? fields(headers) : undefined],
    ["size", call.httpDetails?.size || undefined],
    ["rawBody", bytes && Buffer.from(bytes).toString("base64")],
  ]);
}

function peer(end: Peer): Fields {
  const socket = fields([
    ["address", end.address],
    ["portValue", end.port],
  ]);
  return fields([
    ["address", end.address === "" ? undefined : fields([["socketAddress", socket]])],
    ["principal", end.principal],
    ["service", end.service],
    ["certificate", end.certificate],
    ["labels", end.labels.size > 0 ? fields(end.labels) : undefined],
  ]);
}

/** Leaves out what is undefined and, as protobuf does not tell empty from absent, empty texts of named fields. */
function fields(entries: Iterable<readonly [string, Json | undefined]>): Fields {
  const made: Record<string, Json> = Object.create(null);
  const isMap = entries instanceof Map;
  for (const [name, value] of entries) if (value !== undefined && (isMap || value !== "")) made[name] = value;
  return made;
}
