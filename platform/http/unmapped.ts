/** An IPv4 address inside IPv6, as a socket that listens for both names its peer, is the IPv4 address; anything else stays as it is written. */
import ipaddr from "ipaddr.js";

/** NB: ipaddr.js takes `::192.0.2.1` for one as well, which is an address of IPv6 to everybody else. */
const MAPPED = /^[0:]+:ffff:/i;

export function unmapped(address: string): string {
  if (!MAPPED.test(address) || !ipaddr.IPv6.isValid(address)) return address;
  const six = ipaddr.IPv6.parse(address);
  return six.isIPv4MappedAddress() ? six.toIPv4Address().toString() : address;
}
