/**
 * One request as its client sent it, read once: a description that leaves no doubt, or a refusal. Everything after this works
 * on the description, so what the policy is asked about and what the upstream gets cannot differ.
 */
import type { HeaderLine } from "./header-line.ts";
import { type Refused, refused } from "./refusal.ts";
import { type Framing, mayHaveBody, readHeaders } from "./request-headers.ts";
import { readTarget } from "./request-target.ts";

export type ClientRequest = {
  readonly kind: "readable";
  readonly method: string;
  /** Path and query, as received. */
  readonly target: string;
  readonly path: string;
  readonly authority: string;
  readonly lines: readonly HeaderLine[];
  readonly framing: Framing;
  readonly upgrade: string | undefined;
};

/** What node:http says about a request, as far as it is used. */
export type RawRequest = {
  readonly httpVersion: string;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly rawHeaders: readonly string[];
};

/** NB: TRACE would answer a browser's script with the headers that the gateway adds; CONNECT asks for a tunnel. */
const METHODS_REFUSED = new Set(["TRACE", "CONNECT"]);

export function readClientRequest(raw: RawRequest): ClientRequest | Refused {
  const { httpVersion, method = "", url = "", rawHeaders } = raw;
  if (httpVersion !== "1.1") return refused("http_version_unsupported");
  if (METHODS_REFUSED.has(method)) return refused("method_refused");
  const target = readTarget(url);
  if (target.kind === "refused") return target;
  const headers = readHeaders(rawHeaders);
  if (headers.kind === "refused") return headers;
  // A body before the switch would be read by whoever speaks the other protocol.
  if (headers.upgrade !== undefined && mayHaveBody(headers.framing)) return refused("framing_ambiguous");
  return { ...headers, method, target: target.target, path: target.path };
}

/** The connection's own facts, which no client can choose. */
export type Peer = { readonly address: string; readonly port: number };

/**
 * The lines with what the gateway itself says: its peer after the addresses that the client claimed, the scheme, and an id.
 * They are for policy and upstream alike.
 */
export function withForwardedLines(
  { lines }: ClientRequest,
  { peer, requestId }: { readonly peer: Peer; readonly requestId: string },
): readonly HeaderLine[] {
  const claimed = lines.filter(([name]) => name === "x-forwarded-for").map(([, value]) => value);
  return [
    ...lines.filter(([name]) => name !== "x-forwarded-for"),
    ["x-forwarded-for", [...claimed, peer.address].join(",")],
    ["x-forwarded-proto", "http"],
    ["x-request-id", requestId],
  ];
}
