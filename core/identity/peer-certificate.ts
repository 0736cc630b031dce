/**
 * The client certificate, as the enforcer reports it (URL-encoded PEM, parsed once and cached) or as it was presented to us: its SHA-256
 * thumbprint (RFC 8705 section 3.1), and until when it is valid. The chain was verified in the handshake, by the enforcer or by us; a connection
 * outlives its handshake, so expiry is checked again here.
 */
import { createHash, X509Certificate } from "node:crypto";
import { createBoundedLru } from "./bounded-lru.ts";

export type PeerCertificate = {
  readonly kind: "certificate";
  /** base64url of the SHA-256 of the DER form: `x5t#S256`. */
  readonly thumbprint: string;
  /** Epoch milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** How many URI names it has; a SPIFFE certificate has exactly one. */
  readonly uriNames: number;
};

/** Undefined: none was shown. */
export type ShownCertificate = PeerCertificate | { readonly kind: "unreadable" } | undefined;

type ReadPeerCertificate = (text: string) => NonNullable<ShownCertificate>;

/** No honest certificate is longer; Envoy sends the leaf alone. */
const MAX_TEXT = 64 * 1024;

/** Never throws. */
export function createReadPeerCertificate(): ReadPeerCertificate {
  const known = createBoundedLru<PeerCertificate>({ maxEntries: 10_000, maxBytes: 32 * 1024 * 1024 });
  return (text) => {
    const remembered = known.get(text);
    if (remembered !== undefined) return remembered;
    if (text.length > MAX_TEXT) return { kind: "unreadable" };
    try {
      const read = described(new X509Certificate(decodeURIComponent(text)));
      known.set(text, read, text.length * 2 + 512);
      return read;
    } catch {
      return { kind: "unreadable" };
    }
  };
}

/** One that was shown in a handshake of ours, as DER. Never throws. */
export function readDer(der: Uint8Array): NonNullable<ShownCertificate> {
  try {
    return described(new X509Certificate(der));
  } catch {
    return { kind: "unreadable" };
  }
}

function described(certificate: X509Certificate): PeerCertificate {
  return {
    kind: "certificate",
    thumbprint: createHash("sha256").update(certificate.raw).digest("base64url"),
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    // NB: a name that holds such text itself is quoted by Node and would be counted too: refused rather than believed.
    uriNames: certificate.subjectAltName?.match(/(^|, )URI:/g)?.length ?? 0,
  };
}
