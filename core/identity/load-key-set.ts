/**
 * One look at where an issuer keeps its keys: an HTTP GET or a file. The answer comes from outside, so everything about it is bounded: time,
 * bytes (as unpacked), number of keys; no redirect is followed, so the host is exactly the configured one (Istio CVE-2026-41413).
 */
import { open } from "node:fs/promises";
import type { KeySource } from "./issuers.ts";
import { type KeySet, type KeySetFault, MAX_KEY_SET_BYTES, parseKeySet } from "./key-set.ts";

export type LoadFault = KeySetFault | "unreachable" | "timeout" | "redirect" | "status" | "unreadable";

type LoadedKeySet =
  | { readonly kind: "loaded"; readonly keySet: KeySet }
  | { readonly kind: "failed"; readonly reason: LoadFault };

/** Never rejects. An abort reads as `timeout`. */
export async function loadKeySet(
  source: KeySource,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<LoadedKeySet> {
  const bytes = source.kind === "http" ? await fetchBytes(source.url, options) : await readBytes(source.path);
  if (typeof bytes === "string") return { kind: "failed", reason: bytes };
  const parsed = parseKeySet(bytes);
  return parsed.kind === "parsed"
    ? { kind: "loaded", keySet: parsed.keySet }
    : { kind: "failed", reason: parsed.reason };
}

async function fetchBytes(
  url: string,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Uint8Array | LoadFault> {
  const ended = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    const headers = { accept: "application/jwk-set+json, application/json" };
    const response = await fetch(url, { redirect: "manual", signal: ended, headers });
    if (response.status !== 200) {
      await response.body?.cancel();
      return response.status >= 300 && response.status < 400 ? "redirect" : "status";
    }
    return await firstBytes(response.body ?? []);
  } catch {
    return ended.aborted ? "timeout" : "unreachable";
  }
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
