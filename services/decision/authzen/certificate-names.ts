/** The names of the client certificate of a connection as Node writes them: `URI:spiffe://…`, `DNS:…`. */
import type { TLSSocket } from "node:tls";

/** None unless the certificate was verified. */
export function certificateNames(socket: TLSSocket): readonly string[] {
  return socket.authorized ? namesIn(socket.getPeerX509Certificate()?.subjectAltName) : [];
}

/**
 * Of a verified certificate. NB: Node quotes a name that holds a comma or a quote, so that one name cannot pass for two; such
 * names match nothing here.
 */
export function namesIn(subjectAltName = ""): readonly string[] {
  const names = subjectAltName;
  return names.includes('"') ? [] : names.split(", ").filter((name) => name !== "");
}
