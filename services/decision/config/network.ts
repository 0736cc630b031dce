/** Section `policy.network`: which hosts policies may ask (`http.send`, `net.lookup_ip_addr`), and within which limits. */
import { type Static, Type } from "typebox";
import { type ConfigFault, unsafe } from "../../../platform/config/fault.ts";
import { rangeProblem } from "../../../platform/http/address-ranges.ts";
import { closed } from "../../../platform/config/fields.ts";

/** As a URL has it: a name or an address, IPv6 in brackets, and a port or none. */
const HOST = String.raw`^(?:\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?)(?::[1-9][0-9]{0,4})?$`;

export const NetworkSchema = Type.Object(
  {
    hosts: Type.Array(Type.String({ pattern: HOST }), {
      default: [],
      description:
        "Hosts that policies may call with `http.send` and look up with `net.lookup_ip_addr`: names or addresses in lower case, with a port, or without for any port. Empty: a bundle that calls either is refused.",
    }),
    allowedRanges: Type.Array(Type.String(), {
      default: [],
      description:
        "Non-public CIDR ranges (loopback, private, link-local including a cloud's metadata service) in which these hosts may be.",
    }),
    timeoutMs: Type.Integer({
      minimum: 1,
      maximum: 30_000,
      default: 250,
      description:
        "Time for all calls of one decision together; less than listen.deadlineMs, which must leave time for the rest.",
    }),
    maxCalls: Type.Integer({
      minimum: 1,
      maximum: 32,
      default: 8,
      description: "Different calls of one decision.",
    }),
    maxResponseBytes: Type.Integer({
      minimum: 1_024,
      maximum: 524_288,
      default: 262_144,
      description: "Largest response body; a larger one ends the decision.",
    }),
    maxCacheBytes: Type.Integer({
      minimum: 0,
      maximum: 1_073_741_824,
      default: 16_777_216,
      description: "Approximate size of the cache of responses shared by decisions (`cache`, `force_cache`); 0: none.",
    }),
  },
  closed,
);

type NetworkConfig = Static<typeof NetworkSchema>;

export function networkFaults(network: NetworkConfig, deadlineMs: number, section: string): readonly ConfigFault[] {
  const { hosts, allowedRanges, timeoutMs } = network;
  if (hosts.length === 0) {
    if (allowedRanges.length === 0) return [];
    return [unsafe(`${section}.allowedRanges`, `is set, and ${section}.hosts names nobody to be asked; name them`)];
  }
  const wrong = rangeProblem(allowedRanges);
  return [
    ...(wrong === undefined ? [] : [unsafe(`${section}.allowedRanges`, wrong)]),
    ...(timeoutMs < deadlineMs
      ? []
      : [
          unsafe(
            `${section}.timeoutMs`,
            `is not below listen.deadlineMs (${deadlineMs}), so no time is left to decide`,
          ),
        ]),
  ];
}
