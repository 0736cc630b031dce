/**
 * Which addresses a connection may be made to when somebody else chose the target: public ones, and those in ranges that configuration names.
 * Loopback, private, link-local (where clouds keep their metadata) and every other special range is refused unless named.
 */
import ipaddr from "ipaddr.js";

type AddressRanges = {
  /** Whether a range holds it. An IPv4 address inside IPv6 is the IPv4 address. */
  hold(address: string): boolean;
};

/** @param ranges CIDR, such as `10.1.2.0/24`. @throws RangeError for one that is none */
export function addressRanges(ranges: readonly string[]): AddressRanges {
  const parsed = ranges.map(parseRange);
  return {
    hold(text) {
      const address = ipaddr.process(text);
      return parsed.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits));
    },
  };
}

/** IPv6 with an IPv4 address behind zeros alone, as RFC 4291 has it no longer: where something still takes it, it is that address. */
const IPV4_COMPATIBLE = addressRanges(["::/96"]);

/** What is wrong with ranges of a configuration, and what to do. */
export function rangeProblem(ranges: readonly string[]): string | undefined {
  const wrong = ranges.filter((range) => !ipaddr.isValidCIDR(range));
  return wrong.length === 0
    ? undefined
    : `has ${wrong.join(" and ")}, which is no CIDR range; write one as 10.1.2.0/24 or fd00::/8`;
}

export function isPublicAddress(text: string): boolean {
  const address = ipaddr.process(text);
  return address.range() === "unicast" && !IPV4_COMPATIBLE.hold(text);
}

/** Of the host of a URL: with the brackets that IPv6 has there, or without. */
export function literalAddress(host: string): string | undefined {
  const bare = host.replace(/^\[|\]$/g, "");
  return ipaddr.isValid(bare) ? ipaddr.process(bare).toString() : undefined;
}

type Address = ReturnType<typeof ipaddr.process>;

function parseRange(text: string): [Address, number] {
  try {
    return ipaddr.parseCIDR(text);
  } catch (cause) {
    throw new RangeError(`not a CIDR range: ${text}`, { cause });
  }
}
