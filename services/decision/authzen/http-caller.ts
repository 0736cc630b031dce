/** What a request over HTTP shows of its caller, and how one who is not known is told. */
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import type { ApiCallers } from "../api/ports.ts";
import { certificateNames } from "./certificate-names.ts";

const AUTHORIZATION = "authorization";
const REQUEST_ID = /^[!-~]{1,128}$/;

export function shownBy({
  rawHeaders,
  socket,
}: Pick<IncomingMessage, "rawHeaders" | "socket">): Parameters<ApiCallers["authenticate"]>[0] {
  const authorization: string[] = [];
  // Name, value, name, value, as they came. NB: `headers` drops all authorization headers but the first.
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (name.length === AUTHORIZATION.length && name.toLowerCase() === AUTHORIZATION) {
      authorization.push(rawHeaders[at + 1] ?? "");
    }
  }
  return { authorization, certificateNames: socket instanceof TLSSocket ? certificateNames(socket) : [] };
}

type Refused = Extract<Awaited<ReturnType<ApiCallers["authenticate"]>>, { kind: "refused" }>;

/** Of a 401. */
export function challengeFor({ reason }: Refused): { readonly challenge: string; readonly sentence: string } {
  const challenge = reason === "authentication_required" ? "Bearer" : 'Bearer error="invalid_token"';
  return { challenge, sentence: `show who is calling: ${reason}` };
}

/** `X-Request-ID` as it was sent, or one of ours. NB: what could split a header is not echoed. */
export function requestIdOf({ headers }: Pick<IncomingMessage, "headers">, newRequestId: () => string): string {
  const sent = headers["x-request-id"];
  return typeof sent === "string" && REQUEST_ID.test(sent) ? sent : newRequestId();
}
