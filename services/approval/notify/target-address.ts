/**
 * Where a webhook may go. The host of the configured URL is resolved once per delivery, every returned address is checked, and the connection is
 * made to a checked address: a name that would answer differently the second time (DNS rebinding) is never resolved a second time. Loopback,
 * private, link-local and every other special range is refused unless an explicit allow list names it; plain HTTP is only for those.
 */
import { lookup } from "node:dns/promises";
import { AppError } from "../../../core/domain/app-error.ts";
import { addressRanges, isPublicAddress, literalAddress } from "../../../platform/http/address-ranges.ts";

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
  const { hold: isListed } = rangesOf(allowed);

  return async (url) => {
    const literal = literalAddress(url.hostname);
    const found = literal === undefined ? await resolve(url.hostname).catch(() => []) : [literal];
    const addresses = found.flatMap((address) => literalAddress(address) ?? []); // an IPv4 address inside IPv6 is judged as the IPv4 it is
    const [first] = addresses;
    if (first === undefined) return { kind: "refused", reason: "unresolved" };
    if (!addresses.every((address) => isListed(address) || isPublicAddress(address)))
      return { kind: "refused", reason: "address_not_allowed" };
    if (url.protocol !== "https:" && !addresses.every(isListed)) return { kind: "refused", reason: "plain_http" };
    return { kind: "address", address: first };
  };
}

function rangesOf(allowed: readonly string[]) {
  try {
    return addressRanges(allowed);
  } catch (cause) {
    const detail = cause instanceof RangeError ? cause.message : "not CIDR ranges";
    throw new AppError("invalid_configuration", detail, { cause });
  }
}
