/**
 * Which hosts a policy may ask (`policy.network`). Two rules hold at once, since a policy may build a URL from what a client sent: the host is
 * named in the configuration, and every address of it is public or in a configured range. The second rule is checked where the connection is
 * made, on the addresses that it is made to (http-client.ts): a name is resolved only once, so it cannot answer differently the second time.
 */
import { addressRanges, isPublicAddress, literalAddress } from "../../../platform/http/address-ranges.ts";

export type ListedHosts = {
  /** Whether it may be asked at this port; undefined: at any. `host` as a URL has it. */
  isListed(host: string, port?: number): boolean;
  mayLieAt(address: string): boolean;
};

export function createListedHosts(hosts: readonly string[], allowedRanges: readonly string[]): ListedHosts {
  const listed = new Set(hosts);
  /** Hosts of entries with a port. */
  const atSomePort = new Set(hosts.map((entry) => entry.replace(/:\d+$/, "")));
  const ranges = addressRanges(allowedRanges);
  return {
    isListed(host, port) {
      const name = host.toLowerCase();
      return listed.has(name) || (port === undefined ? atSomePort.has(name) : listed.has(`${name}:${port}`));
    },
    mayLieAt: (address) => literalAddress(address) !== undefined && (isPublicAddress(address) || ranges.hold(address)),
  };
}
