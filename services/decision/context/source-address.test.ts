import { expect, test } from "@jest/globals";
import type { Evaluation } from "../ports.ts";
import { createSourceAddress } from "./source-address.ts";
import { CONNECTION, evaluationOf } from "../../../test/samples/evaluation.ts";

/** Without `forwarded` a TCP connection. */
function from(peer: string, forwarded: readonly string[] | undefined): Evaluation {
  const source = { address: peer, port: 1, principal: "", service: "", labels: new Map(), certificate: "" };
  if (forwarded === undefined) return { ...CONNECTION, call: { ...CONNECTION.call, source } };
  return evaluationOf({ call: { source }, http: { headers: new Map([["x-forwarded-for", forwarded]]) } });
}

test.each([
  ["a caller's own header changes nothing without trusted proxies", 0, "192.0.2.1", ["10.0.0.1"], "192.0.2.1"],
  ["what stands left of the trusted entry is never taken", 1, "10.9.9.9", ["1.1.1.1, 192.0.2.7"], "192.0.2.7"],
  [
    "the enforcer's own entry is the peer, not the client",
    1,
    "10.9.9.9",
    ["1.1.1.1, 192.0.2.7, 10.9.9.9"],
    "192.0.2.7",
  ],
  ["several headers are one list", 2, "10.9.9.9", ["1.1.1.1", "192.0.2.7, 10.8.8.8"], "192.0.2.7"],
  ["fewer entries than proxies: unknown, not the proxy", 3, "10.9.9.9", ["192.0.2.7"], undefined],
  ["what is no address: unknown, not the proxy", 1, "10.9.9.9", ["unknown"], undefined],
  ["the enforcer's own entry, written in another way", 1, "::ffff:10.9.9.9", ["192.0.2.7, 10.9.9.9:443"], "192.0.2.7"],
  ["an entry that is none, with a peer that is unknown", 1, "", ["192.0.2.7, unknown"], undefined],
  ["a TCP connection names nobody but the proxy: unknown, not the proxy", 1, "10.9.9.9", undefined, undefined],
  ["a TCP connection without proxies", 0, "192.0.2.1", undefined, "192.0.2.1"],
  ["an IPv4 peer of a listener for both", 0, "::ffff:192.0.2.1", [], "192.0.2.1"],
  ["the same in digits", 0, "0:0:0:0:0:FFFF:c000:0201", [], "192.0.2.1"],
  ["a peer that is no address", 0, "/run/envoy.sock", [], "/run/envoy.sock"],
  ["a peer with a zone", 0, "fe80::1%eth0.1", [], "fe80::1%eth0.1"],
  ["IPv4 inside IPv6", 1, "10.9.9.9", ["::ffff:203.0.113.9"], "203.0.113.9"],
  ["IPv4 with a port", 1, "10.9.9.9", ["1.1.1.1, 10.1.2.3:51234"], "10.1.2.3"],
  ["IPv6 in brackets", 1, "10.9.9.9", ["[2001:db8::1]"], "2001:db8::1"],
  ["IPv6 in brackets with a port", 1, "10.9.9.9", [" [2001:db8::1]:443 "], "2001:db8::1"],
  ["IPv4 inside IPv6 in brackets", 1, "10.9.9.9", ["[::ffff:cb00:7109]:443"], "203.0.113.9"],
  ["IPv4 in brackets is no address", 1, "10.9.9.9", ["[192.0.2.7]"], undefined],
  ["a port that is none", 1, "10.9.9.9", ["192.0.2.7:https"], undefined],
  ["two ports", 1, "10.9.9.9", ["192.0.2.7:1:2"], undefined],
  ["half an address with a port", 1, "10.9.9.9", ["192.0:80"], undefined],
  ["IPv6", 1, "10.9.9.9", ["2001:db8::1"], "2001:db8::1"],
])("%s", (_name, trustedProxies, peer, forwarded, expected) => {
  expect(createSourceAddress({ trustedProxies })(from(peer, forwarded))).toBe(expected);
});
