/** The input document of a check as Envoy sends one: about 2.5 KB, most of it headers that no sample policy reads. */
import type { Json } from "../../../core/domain/subject.ts";
import { type InputReads, onlyRead } from "../../../core/policy/input-reads.ts";

const HEADERS = Object.fromEntries(
  Array.from({ length: 18 }, (_, at) => [`x-header-${at}`, "what a header holds ".repeat(3 + (at % 3))]),
);

export function sampleInput(method: string): { readonly [name: string]: Json } {
  const http = {
    ...{ id: "4711", method, path: "/orders/42", host: "orders.example", scheme: "https", protocol: "HTTP/1.1" },
    headers: HEADERS,
  };
  const address = (ip: string, port: number) => ({ address: { socketAddress: { address: ip, portValue: port } } });
  return {
    version: { ext_authz: "v3", encoding: "protojson" },
    attributes: {
      source: address("10.1.2.3", 41_000),
      destination: address("10.1.2.4", 8_080),
      request: { time: { seconds: 1_795_514_400, nanos: 123_456_789 }, http },
    },
    parsed_path: ["orders", "42"],
    parsed_query: {},
    parsed_body: null,
    truncated_body: false,
    subject: {
      type: "user",
      id: "dana",
      properties: {
        issuer: "https://id.example",
        groups: ["engineers"],
        claims: { email: "dana@example.org" },
        actors: [],
      },
    },
    action: { name: method },
    resource: { type: "http_request", id: "orders.example/orders/42", properties: { scheme: "https" } },
    context: { time: "2026-11-24T10:00:00Z", source_address: "10.1.2.3", state: { fresh: true } },
  };
}

/** As services/decision does it: what the policies do not read is left out. */
export function inputText(input: { readonly [name: string]: Json }, reads: InputReads | undefined): string {
  return JSON.stringify(onlyRead(input, reads));
}
