/** What a request over HTTP shows of its caller, and how one who is not known is told. */
import type { IncomingMessage } from "node:http";
import { certificateNames, verifiedCertificate } from "../../../platform/http/certificate-names.ts";
import { valuesIn } from "../../../platform/http/raw-headers.ts";
import type { ApiCallers } from "../api/ports.ts";

const REQUEST_ID = /^[!-~]{1,128}$/;

export function shownBy({
  rawHeaders,
  socket,
}: Pick<IncomingMessage, "rawHeaders" | "socket">): Parameters<ApiCallers["authenticate"]>[0] {
  return {
    authorization: valuesIn(rawHeaders, "authorization"),
    certificateNames: certificateNames(socket),
    certificate: () => verifiedCertificate(socket),
  };
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
