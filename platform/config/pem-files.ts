/** PEM files that a configuration names, read at the start and at a reload. Each rejects when a file cannot be read, naming the file. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";

/** Key id → path becomes key id → PEM text. */
export async function readPems(paths: { readonly [kid: string]: string }): Promise<ReadonlyMap<string, string>> {
  const entries = Object.entries(paths).map(async ([kid, path]) => [kid, await readFile(path, "utf8")] as const);
  return new Map(await Promise.all(entries));
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
  const [ca, key, cert] = [await read(caPath), await read(keyPath), await read(certPath)];
  createSecureContext({ ca: ca ?? undefined, key: key ?? undefined, cert: cert ?? undefined });
  return { ca, key, cert };
}

/**
 * Undefined without a certificate: plain text. Rejects also when certificate and key are unusable, or not of one pair, and when the client CA
 * is none: TLS itself takes such a file for no authority at all, which would show only as every caller refused.
 */
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
  const clientCa = clientCaPath === undefined ? undefined : await readFile(clientCaPath);
  const [cert, key] = [await readFile(certPath), await readFile(keyPath)];
  // Throws when it is none.
  if (clientCa !== undefined) void new X509Certificate(clientCa);
  createSecureContext({ cert, key, ...(clientCa === undefined ? {} : { ca: clientCa }) });
  return { cert, key, clientCa };
}
