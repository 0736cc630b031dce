/** PEM files that a configuration names, read at start and at a reload. Each function rejects if a file cannot be read, naming the file. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";

/** Key id → path becomes key id → PEM text. */
export async function readPems(paths: { readonly [kid: string]: string }): Promise<ReadonlyMap<string, string>> {
  const entries = Object.entries(paths).map(async ([kid, path]) => [kid, await readFile(path, "utf8")] as const);
  return new Map(await Promise.all(entries));
}

/** `detail` may be shown: it quotes nothing of the file. */
class NoAuthorities extends Error {
  override readonly name = "NoAuthorities";
  readonly detail: string;

  constructor(detail: string) {
    super(detail);
    this.detail = detail;
  }
}

/** Each in a text of several. */
export const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** What OpenSSL would take beside certificates, or what has no business there: each with what to do. */
function whatIsThere(rest: string): string {
  const [, label] = /^\s*-----BEGIN ([A-Z0-9 ]{1,40})-----/m.exec(rest) ?? [];
  if (label === undefined || label === "CERTIFICATE")
    return "it contains part of a certificate, or something that is not a certificate";
  if (label === "TRUSTED CERTIFICATE")
    return "it contains a TRUSTED CERTIFICATE, whose list of uses is not applied here; rewrite each as a plain one (openssl x509 -in ONE -out PLAIN), or name the system's plain bundle";
  // NB: passed over in silence, whoever was revoked would be let in by somebody who thinks otherwise.
  if (label === "X509 CRL")
    return "it contains a revocation list (X509 CRL), which is not applied here; remove it, and replace the authority if a certificate has to end early";
  if (label.endsWith("PRIVATE KEY"))
    return `it contains a private key (${label}), which is not needed to trust an authority; remove it`;
  return `it contains a block ${label} beside certificates; remove it`;
}

/**
 * PEM of every certificate in the file. Rejects when there is none, or something that is none: TLS itself goes by what it can read, so that a file that is
 * half written would show only as those refused whose authority is in the other half. Lines outside of certificates are comments, as bundles have them,
 * unless one begins with a dash, as the rest of a certificate does. NB: a file that was cut between two certificates cannot be told from a whole one.
 */
export async function readAuthorities(path: string): Promise<string> {
  const text = await readFile(path, "utf8");
  const certificates = text.match(CERTIFICATE) ?? [];
  const rest = text.replace(CERTIFICATE, "");
  if (/^\s*-/m.test(rest)) throw new NoAuthorities(`${path}: ${whatIsThere(rest)}`);
  if (certificates.length === 0) throw new NoAuthorities(`${path}: it contains no certificate`);
  certificates.forEach((pem, at) => {
    try {
      void new X509Certificate(pem);
    } catch {
      throw new NoAuthorities(`${path}: certificate ${at + 1} of ${certificates.length} in it cannot be read`);
    }
  });
  return `${certificates.join("\n")}\n`;
}

/** PEM. With `clientCa` a caller has to show a certificate that one of these signed for use as a client. */
export type ServerTls = { readonly cert: Buffer; readonly key: Buffer; readonly clientCa: Buffer | undefined };

/** PEM. Without an authority the system's roots; without a pair a client shows none. */
export type ClientTls = { readonly ca: Buffer | null; readonly key: Buffer | null; readonly cert: Buffer | null };

/** Undefined when TLS is off. Rejects also when what is read is unusable, or not of one pair. */
export async function readClientTls({
  tls,
  caPath,
  certPath,
  keyPath,
}: {
  readonly tls: boolean;
  readonly caPath?: string;
  readonly certPath?: string;
  readonly keyPath?: string;
}): Promise<ClientTls | undefined> {
  if (!tls) return undefined;
  const read = async (path: string | undefined) => (path === undefined ? null : readFile(path));
  const ca = caPath === undefined ? null : Buffer.from(await readAuthorities(caPath));
  const [key, cert] = [await read(keyPath), await read(certPath)];
  createSecureContext({ ca: ca ?? undefined, key: key ?? undefined, cert: cert ?? undefined });
  return { ca, key, cert };
}

/** Undefined without a certificate: plain text. Rejects also when certificate and key are unusable, or not of one pair. */
export async function readServerTls({
  certPath,
  keyPath,
  clientCaPath,
}: {
  readonly certPath?: string;
  readonly keyPath?: string;
  readonly clientCaPath?: string;
}): Promise<ServerTls | undefined> {
  if (certPath === undefined || keyPath === undefined) return undefined;
  const clientCa = clientCaPath === undefined ? undefined : Buffer.from(await readAuthorities(clientCaPath));
  const [cert, key] = [await readFile(certPath), await readFile(keyPath)];
  createSecureContext({ cert, key, ...(clientCa === undefined ? {} : { ca: clientCa }) });
  return { cert, key, clientCa };
}
