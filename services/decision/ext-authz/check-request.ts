/**
 * Envoy's CheckRequest → an evaluation. Native mode: headers come as a raw list, so duplicates stay apart; where only the
 * joined map is sent, that is taken. Nothing is normalised beyond the lower case of names and authority. Bytes that are
 * not UTF-8 in a header are a fault: replaced, two different values would look the same (CVE-2023-27488).
 */
import type { Body } from "../../../core/domain/binding.ts";
import type { Id } from "../../../core/domain/id.ts";
import type { EnforcedCall, Peer } from "../../../core/policy/envoy-input/attributes.ts";
import { firstTraceparent } from "../../../platform/traces/traceparent.ts";
import type {
  AttributeContext,
  AttributeContext_HttpRequest,
  AttributeContext_Peer,
} from "../../../proto/gen/envoy/service/auth/v3/attribute_context.ts";
import type { CheckRequest } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import type { Evaluation } from "../ports.ts";

/** The enforcer's word, set per route by our bootstrap, that bodies are buffered whole and sent as bytes. */
const BODY_EXTENSION = "countersign.body";
const REASON_HEADER = "countersign-reason";
const MAX_REASON = 2_000;

type Headers = Map<string, string[]>;

/** `fault` is set when the call cannot be described; what could be read of it is there for the log. */
export type Translated = { readonly evaluation: Evaluation; readonly fault: string | undefined };

/** `traceparent`: of the call itself, by which the enforcer names its own span; without it that of the request it asks about. */
export function evaluationFrom(
  { attributes }: CheckRequest,
  decisionId: Id<"decision">,
  traceparent?: string,
): Translated {
  const http = attributes?.request?.http;
  const headers = http === undefined ? new Map<string, string[]>() : headersOf(http);
  const readable = headers ?? new Map<string, string[]>();
  const evaluation: Evaluation = {
    decisionId,
    protocol: http === undefined ? "tcp" : "http",
    call: enforcedCall(attributes, readable),
    credentials: {
      authorization: readable.get("authorization") ?? [],
      principal: attributes?.source?.principal || undefined,
      certificate: attributes?.source?.certificate || undefined,
      headers: readable,
      metadata: attributes?.metadataContext?.filterMetadata,
    },
    justification: justificationOf(readable),
    traceparent: traceparent ?? firstTraceparent(readable.get("traceparent") ?? []),
  };
  return { evaluation, fault: faultOf(attributes, headers) };
}

/** For what could not even be decoded: nothing is known of it, and it is logged as such. */
export function unknownCall(decisionId: Id<"decision">): Translated {
  return evaluationFrom({ attributes: undefined }, decisionId);
}

function faultOf(attributes: AttributeContext | undefined, headers: Headers | undefined): string | undefined {
  if (attributes === undefined) return "no attributes";
  if (headers === undefined) return "a header is not UTF-8";
  const http = attributes.request?.http;
  if (http !== undefined && (http.method === "" || http.path === "")) return "no method or path";
  return undefined;
}

function enforcedCall(attributes: AttributeContext | undefined, headers: Headers): EnforcedCall {
  const wire = attributes?.request?.http;
  const timeMs = attributes?.request?.time?.getTime();
  const queryAt = wire === undefined ? -1 : wire.path.indexOf("?");
  const extensions = attributes?.contextExtensions ?? new Map<string, string>();
  return {
    source: peerOf(attributes?.source),
    destination: peerOf(attributes?.destination),
    time:
      timeMs === undefined || !Number.isFinite(timeMs)
        ? undefined
        : { seconds: Math.floor(timeMs / 1_000), nanos: Math.floor((timeMs % 1_000) * 1_000_000) },
    http: wire && {
      method: wire.method,
      scheme: wire.scheme,
      authority: wire.host.toLowerCase(),
      path: queryAt < 0 ? wire.path : wire.path.slice(0, queryAt),
      query: queryAt < 0 ? "" : wire.path.slice(queryAt),
      headers,
      body: bodyOf(wire, headers, extensions),
    },
    httpDetails: wire && { id: wire.id, protocol: wire.protocol, size: wire.size },
    contextExtensions: extensions,
    tlsServerName: attributes?.tlsSession?.sni,
  };
}

/** Undefined when a value is not UTF-8. NB: a Map, since `__proto__` is a legal header name. */
function headersOf(http: AttributeContext_HttpRequest): Headers | undefined {
  const headers: Headers = new Map();
  const add = (name: string, value: string) => {
    const key = name.toLowerCase();
    const values = headers.get(key);
    if (values === undefined) headers.set(key, [value]);
    else values.push(value);
  };
  const raw = http.headerMap?.headers ?? [];
  if (raw.length === 0) {
    for (const [name, value] of http.headers) add(name, value);
    return headers;
  }
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for (const { key, value, rawValue } of raw) {
    try {
      add(key, rawValue.length > 0 ? utf8.decode(rawValue) : value);
    } catch {
      return undefined;
    }
  }
  return headers;
}

/** NB: without the enforcer's word, no body on the wire does not mean no body in the request. */
function bodyOf(http: AttributeContext_HttpRequest, headers: Headers, extensions: ReadonlyMap<string, string>): Body {
  if (extensions.get(BODY_EXTENSION) !== "buffered") return { kind: "not_buffered" };
  if (headers.get("x-envoy-auth-partial-body")?.some((value) => value !== "false")) return { kind: "partial" };
  if (http.body !== "") return { kind: "text" };
  const bytes = http.rawBody;
  const declared = Math.max(http.size, ...(headers.get("content-length") ?? []).map(Number));
  // NaN and a repeated length are neither: what was declared has to be here.
  if (bytes.length === 0 && headers.has("transfer-encoding")) return { kind: "not_buffered" };
  if (Number.isNaN(declared) || declared > bytes.length)
    return { kind: bytes.length === 0 ? "not_buffered" : "partial" };
  return { kind: "bytes", bytes };
}

function justificationOf(headers: Headers): string | undefined {
  const [reason, ...more] = headers.get(REASON_HEADER) ?? [];
  if (reason === undefined || more.length > 0) return undefined;
  const text = reason.trim().toWellFormed();
  return text === "" || text.length > MAX_REASON ? undefined : text;
}

function peerOf(peer: AttributeContext_Peer | undefined): Peer | undefined {
  if (peer === undefined) return undefined;
  const { address } = peer;
  const socket = address?.address?.$case === "socketAddress" ? address.address.value : undefined;
  return {
    address: socket?.address ?? "",
    port: socket?.portSpecifier?.$case === "portValue" ? socket.portSpecifier.value : 0,
    principal: peer.principal,
    service: peer.service,
    labels: peer.labels,
    certificate: peer.certificate,
  };
}
