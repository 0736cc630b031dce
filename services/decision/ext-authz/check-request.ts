/**
 * Envoy's CheckRequest, as read by read-check.ts, → an evaluation. Nothing is normalised except that names and authority become lower case.
 * Headers that are not UTF-8 are a fault, and so are blanks around a value: HTTP has none there (RFC 9113 section 8.2.1), but Envoy passes them on from a
 * client of HTTP/2, and an upstream that reads HTTP/1.1 takes them away.
 */
import type { Body } from "../../../core/domain/binding.ts";
import { MAX_REASON_LENGTH } from "../../../core/domain/elevation.ts";
import type { Id } from "../../../core/domain/id.ts";
import type { EnforcedCall, Peer } from "../../../core/policy/envoy-input/attributes.ts";
import { firstTraceparent } from "../../../platform/traces/traceparent.ts";
import type { AttributeContext_Peer } from "../../../proto/gen/envoy/service/auth/v3/attribute_context.ts";
import type { Evaluation } from "../ports.ts";
import type { Headers, ReadAttributes, ReadCheck, ReadHttp } from "./read-check.ts";

/** Set per route by our bootstrap: the enforcer's assurance that bodies are buffered completely and sent as bytes. */
const BODY_EXTENSION = "countersign.body";
const REASON_HEADER = "countersign-reason";

/** `fault` is set if the call cannot be described; what could be read is kept for the log. */
type Translated = { readonly evaluation: Evaluation; readonly fault: string | undefined };

/** `traceparent`: of the call itself, by which the enforcer names its own span; without it that of the request it asks about. */
export function evaluationFrom(
  { attributes }: ReadCheck,
  decisionId: Id<"decision">,
  traceparent?: string,
): Translated {
  const http = attributes?.request?.http;
  const readable = http?.headers ?? new Map<string, string[]>();
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
  return { evaluation, fault: faultOf(attributes) };
}

/** For a message that could not be decoded: nothing is known about it, and it is logged as such. */
export function unknownCall(decisionId: Id<"decision">): Translated {
  return evaluationFrom({ attributes: undefined }, decisionId);
}

function faultOf(attributes: ReadAttributes | undefined): string | undefined {
  if (attributes === undefined) return "no attributes";
  const http = attributes.request?.http;
  if (http === undefined) return undefined;
  if (http.headers === undefined) return "a header is not UTF-8";
  for (const values of http.headers.values())
    if (values.some(isInBlanks)) return "a value of a header begins or ends with a blank";
  return http.method === "" || http.path === "" ? "no method or path" : undefined;
}

function isInBlanks(value: string): boolean {
  return isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1));
}

function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x09;
}

function enforcedCall(attributes: ReadAttributes | undefined, headers: Headers): EnforcedCall {
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

/** NB: without the enforcer's assurance, no body in the message does not mean no body in the request. */
function bodyOf(http: ReadHttp, headers: Headers, extensions: ReadonlyMap<string, string>): Body {
  if (extensions.get(BODY_EXTENSION) !== "buffered") return { kind: "not_buffered" };
  if (headers.get("x-envoy-auth-partial-body")?.some((value) => value !== "false")) return { kind: "partial" };
  if (http.body !== "") return { kind: "text" };
  const bytes = http.rawBody;
  const declared = Math.max(http.size, ...(headers.get("content-length") ?? []).map(Number));
  // NaN and a repeated length fail too: the declared length must be present.
  if (bytes.length === 0 && headers.has("transfer-encoding")) return { kind: "not_buffered" };
  if (Number.isNaN(declared) || declared > bytes.length)
    return { kind: bytes.length === 0 ? "not_buffered" : "partial" };
  return { kind: "bytes", bytes };
}

function justificationOf(headers: Headers): string | undefined {
  const [reason, ...more] = headers.get(REASON_HEADER) ?? [];
  if (reason === undefined || more.length > 0) return undefined;
  const text = reason.trim().toWellFormed();
  return text === "" || text.length > MAX_REASON_LENGTH ? undefined : text;
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
