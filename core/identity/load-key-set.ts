/**
 * Fetches an issuer's keys once: an HTTP GET or a file. The response comes from outside, so everything is bounded: time, bytes (after
 * decompression), number of keys; no redirect is followed, so the host is exactly the configured one (Istio CVE-2026-41413). A host without a
 * certificate from an accepted authority is the outcome `certificate`.
 */
import { open } from "node:fs/promises";
import type { KeySource } from "./issuers.ts";
import { type KeySet, type KeySetFault, MAX_KEY_SET_BYTES, parseKeySet } from "./key-set.ts";

export type LoadFault = KeySetFault | "unreachable" | "certificate" | "timeout" | "redirect" | "status" | "unreadable";

type LoadedKeySet =
  | { readonly kind: "loaded"; readonly keySet: KeySet }
  | { readonly kind: "failed"; readonly reason: LoadFault };

type LoadOptions = {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** PEM, in place of the system's authorities. */
  readonly ca?: string | undefined;
};

/** Never rejects. An abort reads as `timeout`. */
export async function loadKeySet(source: KeySource, options: LoadOptions): Promise<LoadedKeySet> {
  const bytes = source.kind === "http" ? await fetchBytes(source.url, options) : await readBytes(source.path);
  if (typeof bytes === "string") return { kind: "failed", reason: bytes };
  const parsed = parseKeySet(bytes);
  return parsed.kind === "parsed"
    ? { kind: "loaded", keySet: parsed.keySet }
    : { kind: "failed", reason: parsed.reason };
}

async function fetchBytes(url: string, { timeoutMs, signal, ca }: LoadOptions): Promise<Uint8Array | LoadFault> {
  const ended = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    await using client = ca === undefined ? undefined : await clientOf(ca);
    const headers = { accept: "application/jwk-set+json, application/json" };
    const ask = client?.fetch ?? fetch;
    const response = await ask(url, { redirect: "manual", signal: ended, headers });
    if (response.status !== 200) {
      await response.body?.cancel();
      return response.status >= 300 && response.status < 400 ? "redirect" : "status";
    }
    return await firstBytes(response.body ?? []);
  } catch (error) {
    if (ended.aborted) return "timeout";
    return UNVERIFIED.test(codeOf(error)) ? "certificate" : "unreachable";
  }
}

type Asked = { readonly redirect: "manual"; readonly signal: AbortSignal; readonly headers: Record<string, string> };

/** For one look, so that the next one is by what the file holds then. Whoever has none of his own does not load a client of HTTP. */
async function clientOf(ca: string) {
  const { Agent, fetch: fetchBy } = await import("undici");
  const dispatcher = new Agent({ connect: { ca } });
  return {
    fetch: (url: string, asked: Asked) => fetchBy(url, { ...asked, dispatcher }),
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  };
}

/** What OpenSSL and Node say of a certificate that is not to be believed, or not for this host; `ERR_SSL_…` is what the other side says of us. */
const UNVERIFIED = /^(?!ERR_SSL_).*(?:CERT|VERIFY|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH)/;

function codeOf(error: unknown): string {
  const cause = typeof error === "object" && error !== null && "cause" in error ? error.cause : undefined;
  return typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "";
}

/** All bytes, or `too_large` as soon as there are too many; leaving the loop cancels the rest. */
async function firstBytes(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array | LoadFault> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of body) {
    total += chunk.length;
    if (total > MAX_KEY_SET_BYTES) return "too_large";
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function readBytes(path: string): Promise<Uint8Array | LoadFault> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(MAX_KEY_SET_BYTES + 1) });
    return buffer.subarray(0, bytesRead);
  } catch {
    return "unreadable";
  }
}
