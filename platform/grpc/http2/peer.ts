/** Who calls over HTTP/2. */
import type { ServerHttp2Stream } from "node:http2";
import { TLSSocket } from "node:tls";
import { valuesIn } from "../../http/raw-headers.ts";
import type { Peer } from "../terms.ts";

export function peerOf(stream: Pick<ServerHttp2Stream, "session">, rawHeaders: readonly string[]): Peer {
  return {
    authorization: () => valuesIn(rawHeaders, "authorization"),
    subjectAltName() {
      const socket = stream.session?.socket;
      return socket instanceof TLSSocket && socket.authorized
        ? socket.getPeerX509Certificate()?.subjectAltName
        : undefined;
    },
  };
}
