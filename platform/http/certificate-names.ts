/** The client certificate of a connection: as DER, and its names as Node writes them: `URI:spiffe://…`, `DNS:…`. */
import type { X509Certificate } from "node:crypto";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

/** Undefined without TLS, and unless it was verified. */
export function verifiedCertificate(socket: Duplex | undefined): Uint8Array | undefined {
  return verified(socket)?.raw;
}

/** None without TLS, and none unless the certificate was verified. */
export function certificateNames(socket: Duplex | undefined): readonly string[] {
  return namesIn(verified(socket)?.subjectAltName);
}

function verified(socket: Duplex | undefined): X509Certificate | undefined {
  return socket instanceof TLSSocket && socket.authorized ? socket.getPeerX509Certificate() : undefined;
}

/**
 * Of a verified certificate. NB: Node quotes a name that holds a comma or a quote, so that one name cannot pass for two; such
 * names match nothing here.
 */
export function namesIn(subjectAltName = ""): readonly string[] {
  return subjectAltName.includes('"') ? [] : subjectAltName.split(", ").filter((name) => name !== "");
}
