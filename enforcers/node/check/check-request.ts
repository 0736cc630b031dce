/**
 * A call → the CheckRequest that Envoy with the native bootstrap would send for it: headers as a raw list with the pseudo
 * headers first, values as bytes, a buffered body as bytes, and the route's word that it buffers. Recorded from Envoy 1.40;
 * test/integration/enforcer-parity.test.ts compares the two.
 */
import type { Address } from "../../../proto/gen/envoy/config/core/v3/address.ts";
import type { HeaderValue } from "../../../proto/gen/envoy/config/core/v3/base.ts";
import type { AttributeContext_Peer } from "../../../proto/gen/envoy/service/auth/v3/attribute_context.ts";
import type { CheckRequest } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import type { Peer } from "../client-request.ts";
import type { HeaderLine } from "../header-line.ts";
import type { JudgedCall } from "./verdict.ts";

const NO_BYTES = Buffer.alloc(0);

export function checkRequest(call: JudgedCall): CheckRequest {
  const { id, time, source, destination, method, target, authority, lines, body } = call;
  const pseudo: readonly HeaderLine[] = [
    [":authority", authority],
    [":path", target],
    [":method", method],
    [":scheme", "http"],
  ];
  return {
    attributes: {
      source: peerOf(source),
      destination: peerOf(destination),
      request: {
        time,
        http: {
          id,
          method,
          headers: new Map(),
          headerMap: { headers: [...pseudo, ...lines].map(headerValue) },
          path: target,
          host: authority,
          scheme: "http",
          query: "",
          fragment: "",
          size: body?.length ?? 0,
          protocol: "HTTP/1.1",
          body: "",
          rawBody: body ?? NO_BYTES,
        },
      },
      contextExtensions: new Map(body === undefined ? [] : [["countersign.body", "buffered"]]),
      metadataContext: { filterMetadata: new Map(), typedFilterMetadata: new Map() },
      routeMetadataContext: { filterMetadata: new Map(), typedFilterMetadata: new Map() },
    },
  };
}

function headerValue([key, value]: HeaderLine): HeaderValue {
  return { key, value: "", rawValue: Buffer.from(value, "latin1") };
}

function peerOf({ address, port }: Peer): AttributeContext_Peer {
  const socket: Address = {
    address: {
      $case: "socketAddress",
      value: {
        protocol: 0,
        address,
        portSpecifier: { $case: "portValue", value: port },
        resolverName: "",
        ipv4Compat: false,
      },
    },
  };
  return { address: socket, service: "", labels: new Map(), principal: "", certificate: "" };
}
