/**
 * The header lines of a client: what they say about the connection and the framing, what is forwarded, and what is refused
 * because two readers could understand it differently. node:http has already refused folded lines, control characters, both
 * or several lengths, and length together with chunking; what it lets through and is still ambiguous ends here.
 *
 * Removed for policy and upstream alike: lines of the connection, and what a client may not say: `countersign-*` (except the
 * reason, which is the client's own), overrides of method, host and path, `x-forwarded-client-cert`, `x-envoy-*`, in every spelling that an
 * upstream could fold.
 */
import { foldedName } from "../../platform/http/folded-name.ts";
import { HOP_BY_HOP, type HeaderLine, linesOf, tokensOf } from "./header-line.ts";
import { type Refused, refused } from "./refusal.ts";

export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" };

export function mayHaveBody(framing: Framing): boolean {
  return framing.kind === "chunked" || (framing.kind === "length" && framing.bytes > 0);
}

type RequestHeaders = {
  readonly kind: "readable";
  /** Of the host line, as sent. */
  readonly authority: string;
  /** What policy and upstream see, in order of arrival. */
  readonly lines: readonly HeaderLine[];
  readonly framing: Framing;
  /** The protocol that the client wants to switch to, in lower case. */
  readonly upgrade: string | undefined;
};

/** As Envoy's default. */
const MAX_LINES = 100;
/** Host name, IPv4 or bracketed IPv6, with or without a port. */
const AUTHORITY = /^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;
/** NB: without leading zeros, which some read as octal; as a number exact. */
const LENGTH = /^(?:0|[1-9][0-9]{0,14})$/;
/** NB: whatever else a connection line names would be a header of ours that a later hop removes. */
const CONNECTION_OPTIONS = new Set(["close", "keep-alive", "te", "upgrade", "http2-settings"]);
const REASON_HEADER = "countersign-reason";
const NOT_FOR_CLIENTS = new Set([
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-original-url",
  "x-rewrite-url",
  // Frameworks take host, port, scheme or the beginning of the path from these: of a request that nobody judged.
  "forwarded",
  "x-host",
  "x-original-host",
  "x-forwarded-uri",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-scheme",
  "x-forwarded-ssl",
  "x-forwarded-server",
  "x-forwarded-prefix",
  "x-forwarded-path",
  // Who showed a certificate to a proxy: of this connection none was asked for.
  "x-forwarded-client-cert",
  // Written by the gateway itself.
  "x-forwarded-proto",
  "x-request-id",
]);

export function readHeaders(rawHeaders: readonly string[]): RequestHeaders | Refused {
  const all = linesOf(rawHeaders);
  if (all.length > MAX_LINES) return refused("headers_too_many");
  if (all.some(([name]) => name.includes("_"))) return refused("header_ambiguous");
  const valuesOf = (wanted: string) => all.filter(([name]) => name === wanted).map(([, value]) => value);

  const [authority, ...otherHosts] = valuesOf("host");
  if (authority === undefined || otherHosts.length > 0 || !AUTHORITY.test(authority)) {
    return refused("header_ambiguous");
  }
  const framing = framingOf(valuesOf("transfer-encoding"), valuesOf("content-length"));
  if (framing.kind === "refused") return framing;
  const connection = tokensOf(valuesOf("connection"));
  if (connection.some((token) => !CONNECTION_OPTIONS.has(token))) return refused("header_ambiguous");

  const lines = all.filter(([name]) => name !== "host" && !HOP_BY_HOP.has(name) && mayClientSay(name));
  return { kind: "readable", authority, lines, framing, upgrade: upgradeOf(connection, valuesOf("upgrade")) };
}

function framingOf(encodings: readonly string[], lengths: readonly string[]): Framing | Refused {
  const [encoding, ...otherEncodings] = encodings;
  const [length, ...otherLengths] = lengths;
  if (encoding !== undefined) {
    if (otherEncodings.length > 0 || length !== undefined) return refused("framing_ambiguous");
    return encoding.toLowerCase() === "chunked" ? { kind: "chunked" } : refused("encoding_unsupported");
  }
  if (length === undefined) return { kind: "none" };
  if (otherLengths.length > 0 || !LENGTH.test(length)) {
    return refused("framing_ambiguous");
  }
  return { kind: "length", bytes: Number(length) };
}

/** A wish for HTTP/2 may be ignored (RFC 9113 section 3.1) and is, as Envoy does; many clients send it with every call. */
function upgradeOf(connection: readonly string[], values: readonly string[]): string | undefined {
  if (!connection.includes("upgrade")) return undefined;
  const wanted = tokensOf(values).join(",");
  return wanted === "" || wanted === "h2c" ? undefined : wanted;
}

function mayClientSay(name: string): boolean {
  const plain = foldedName(name);
  if (name === REASON_HEADER) return true;
  if (plain.startsWith("countersign-") || plain.startsWith("x-envoy-")) return false;
  // The exact name is continued, another spelling of it is dropped.
  if (plain === "x-forwarded-for") return name === plain;
  return !NOT_FOR_CLIENTS.has(plain);
}
