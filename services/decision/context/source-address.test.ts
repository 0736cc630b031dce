import { expect, test } from "@jest/globals";
import type { Evaluation } from "../ports.ts";
import { createSourceAddress } from "./source-address.ts";
import { evaluationOf } from "../../../test/samples/evaluation.ts";

function from(peer: string, forwarded: readonly string[]): Evaluation {
  const source = { address: peer, port: 1, principal: "", service: "", labels: new Map(), certificate: "" };
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
  ["IPv6", 1, "10.9.9.9", ["2001:db8::1"], "2001:db8::1"],
])("%s", (_name, trustedProxies, peer, forwarded, expected) => {
  expect(createSourceAddress({ trustedProxies })(from(peer, forwarded))).toBe(expected);
});
