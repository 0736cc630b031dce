/**
 * Where a call came from: the connection's peer as the enforcer saw it, or, behind a configured number of trusted proxies, the entry of
 * `x-forwarded-for` that the outermost of them wrote. NB: the caller wrote everything to the left of that entry, so it is ignored; without
 * configured proxies the whole header is ignored. With them, a missing or invalid entry leaves the source unknown, as does a connection without
 * headers (TCP): the peer is then one of our proxies, and its address would open what is meant for our own networks.
 *
 * An entry may have a port, and IPv6 brackets (`10.1.2.3:51234`, `[2001:db8::1]:443`), as some load balancers write them. An IPv4 address inside
 * IPv6, which a dual-stack listener sees, becomes the IPv4 address, because policies compare with networks of that family.
 */
import { isIP } from "node:net";
import { unmapped } from "../../../platform/http/unmapped.ts";
import type { Evaluation } from "../ports.ts";

export function createSourceAddress({ trustedProxies }: { readonly trustedProxies: number }) {
  return ({ call }: Evaluation): string | undefined => {
    const peer = unmapped(call.source?.address ?? "") || undefined;
    if (trustedProxies === 0) return peer;
    const values = call.http?.headers.get("x-forwarded-for") ?? [];
    const entries = values.flatMap((value) => value.split(",")).map(addressOf);
    // The enforcer may have added its own peer already; that one is the first trusted proxy itself.
    if (peer !== undefined && entries.at(-1) === peer) entries.pop();
    return entries.at(-trustedProxies);
  };
}

const BRACKETED = /^\[([^\]]+)\](?::\d{1,5})?$/;
const WITH_PORT = /^([\d.]+):\d{1,5}$/;

/** Undefined for what is not an address. */
function addressOf(entry: string): string | undefined {
  const text = entry.trim();
  const six = BRACKETED.exec(text)?.[1];
  if (six !== undefined) return isIP(six) === 6 ? unmapped(six) : undefined;
  const address = WITH_PORT.exec(text)?.[1] ?? text;
  return isIP(address) === 0 ? undefined : unmapped(address);
}
