/** The names of the client certificate of a connection as Node writes them: `URI:spiffe://…`, `DNS:…`. */
import type { TLSSocket } from "node:tls";

/**
 * None unless the certificate was verified. NB: Node quotes a name that holds a comma or a quote, so that one name cannot pass
 * for two; such a name matches nothing here.
 */
export function certificateNames(socket: TLSSocket): readonly string[] {
  if (!socket.authorized) return [];
  const names = socket.getPeerX509Certificate()?.subjectAltName ?? "";
  return names.includes('"') ? [] : names.split(", ").filter((name) => name !== "");
}
