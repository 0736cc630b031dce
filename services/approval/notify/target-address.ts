/**
 * Where a webhook may go. The host of the configured URL is resolved once per delivery, every address that comes back is judged,
 * and the connection is made to the judged address itself: a name that answers differently the second time (DNS rebinding)
 * is never asked a second time. Loopback, private, link-local and every other special range is refused unless an explicit
 * allow list names it; plain HTTP is for those alone.
 */
import { lookup } from "node:dns/promises";
import ipaddr from "ipaddr.js";
import { AppError } from "../../../core/domain/app-error.ts";

type Target =
  | { readonly kind: "address"; readonly address: string }
  | { readonly kind: "refused"; readonly reason: "address_not_allowed" | "plain_http" | "unresolved" };

/** All addresses of a name. Rejects when there is none. */
type Resolve = (host: string) => Promise<readonly string[]>;

export const resolveBySystem: Resolve = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);

export type TargetCheck = (url: URL) => Promise<Target>;

/**
 * `allowed` are CIDR ranges (`10.1.2.0/24`, `::1/128`). Refuses when any one of the addresses is refused, since which of them
 * is used must not be the resolver's choice. @throws AppError invalid_configuration for a malformed range.
 */
export function createTargetCheck({ resolve }: { readonly resolve: Resolve }, allowed: readonly string[]): TargetCheck {
  const ranges = allowed.map(parseRange);

  function listed(address: Address): boolean {
    return ranges.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits));
  }

  return async (url) => {
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const texts = ipaddr.isValid(host) ? [host] : await resolve(host).catch(() => []);
    const addresses = texts.map((text) => ipaddr.process(text)); // an IPv4 address inside IPv6 is judged as the IPv4 it is
    const [first] = addresses;
    if (first === undefined) return { kind: "refused", reason: "unresolved" };
    if (!addresses.every((address) => listed(address) || address.range() === "unicast"))
      return { kind: "refused", reason: "address_not_allowed" };
    if (url.protocol !== "https:" && !addresses.every(listed)) return { kind: "refused", reason: "plain_http" };
    return { kind: "address", address: first.toString() };
  };
}

type Address = ReturnType<typeof ipaddr.process>;

function parseRange(text: string): [Address, number] {
  try {
    return ipaddr.parseCIDR(text);
  } catch (cause) {
    throw new AppError("invalid_configuration", `not a CIDR range: ${text}`, { cause });
  }
}
