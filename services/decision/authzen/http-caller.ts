/** The caller's credentials in an HTTP request, and the answer to an unknown caller. */
import type { IncomingMessage } from "node:http";
import { certificateNames, verifiedCertificate } from "../../../platform/http/certificate-names.ts";
import { valuesIn } from "../../../platform/http/raw-headers.ts";
import type { ApiCallers, NotKnown } from "../api/ports.ts";
import type { Deadline } from "../ports.ts";
import { BUSY, NO_KEYS } from "./say.ts";

const REQUEST_ID = /^[!-~]{1,128}$/;

export function shownBy({
  rawHeaders,
  socket,
}: Pick<IncomingMessage, "rawHeaders" | "socket">): Parameters<ApiCallers["authenticate"]>[0] {
  return {
    authorization: valuesIn(rawHeaders, "authorization"),
    certificateNames: () => certificateNames(socket),
    certificate: () => verifiedCertificate(socket),
  };
}

/** NB: the socket and not the response: of several answers that wait on a connection the last ones do not hear of its end. */
export function isGone({ socket }: Pick<IncomingMessage, "socket">): boolean {
  return socket.destroyed;
}

/**
 * Of a request, from its arrival: one for all that is done about it. `ms`: what was left of it before its body was waited for, since that time
 * is its caller's, and is bounded by that in which a request has to arrive.
 */
export type NewDeadline = (ms?: number) => Deadline;

/** Whether an answer would come too late for the caller. */
export function lateFor(request: Pick<IncomingMessage, "socket">, deadline: Deadline): () => boolean {
  return () => deadline.leftMs() <= 0 || isGone(request);
}

type Refusal = {
  readonly status: number;
  readonly sentence: string;
  readonly header: readonly [name: string, value: string];
};

export const BUSY_REFUSAL: Refusal = { ...BUSY, header: ["retry-after", BUSY.retryAfter] };
const KEYLESS_REFUSAL: Refusal = { ...NO_KEYS, header: ["retry-after", NO_KEYS.retryAfter] };

/** What is told instead of an answer. */
export function refusalOf({ kind, reason }: NotKnown): Refusal {
  if (kind === "busy") return BUSY_REFUSAL;
  if (kind === "unverifiable") return KEYLESS_REFUSAL;
  const challenge = reason === "authentication_required" ? "Bearer" : 'Bearer error="invalid_token"';
  return { status: 401, sentence: `show who is calling: ${reason}`, header: ["www-authenticate", challenge] };
}

/** `X-Request-ID` as it was sent, or one of ours. NB: what could split a header is not echoed. */
export function requestIdOf({ headers }: Pick<IncomingMessage, "headers">, newRequestId: () => string): string {
  const sent = headers["x-request-id"];
  return typeof sent === "string" && REQUEST_ID.test(sent) ? sent : newRequestId();
}
