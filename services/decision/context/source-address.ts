/**
 * Where a call came from: the connection's peer as the enforcer saw it, or behind a configured number of trusted proxies
 * the entry of `x-forwarded-for` that the outermost of them wrote. NB: whatever stands to the left of that entry was
 * written by the caller and is never looked at; without configured proxies the header is not looked at either. With them,
 * an entry that is missing or no address leaves the source unknown: the peer is then a proxy of ours, and its address would
 * open what is meant for our own networks.
 */
import { isIP } from "node:net";
import type { Evaluation } from "../ports.ts";

export function createSourceAddress({ trustedProxies }: { readonly trustedProxies: number }) {
  return ({ call }: Evaluation): string | undefined => {
    const peer = call.source?.address || undefined;
    if (trustedProxies === 0 || call.http === undefined) return peer;
    const values = call.http.headers.get("x-forwarded-for") ?? [];
    const entries = values.flatMap((value) => value.split(",")).map((entry) => entry.trim());
    // The enforcer may have added its own peer already; that one is the first trusted proxy itself.
    if (entries.at(-1) === peer) entries.pop();
    const entry = entries.at(-trustedProxies);
    return entry !== undefined && isIP(entry) !== 0 ? entry : undefined;
  };
}
