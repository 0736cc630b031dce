/** The peer of an HTTP/2 connection. */
import type { ServerHttp2Stream } from "node:http2";
import { certificateNames, verifiedCertificate } from "../../http/certificate-names.ts";
import { valuesIn } from "../../http/raw-headers.ts";
import type { Peer } from "../terms.ts";

export function peerOf(stream: Pick<ServerHttp2Stream, "session">, rawHeaders: readonly string[]): Peer {
  return {
    authorization: () => valuesIn(rawHeaders, "authorization"),
    certificateNames: () => certificateNames(stream.session?.socket),
    certificate: () => verifiedCertificate(stream.session?.socket),
  };
}
