/**
 * May this request be asked about at all: is it readable in one way only, and does a route take it? Pure; the same answer
 * decides whether node:http hands a request over as an upgrade.
 */
import { type ClientRequest, type RawRequest, readClientRequest } from "./client-request.ts";
import type { Refused } from "./refusal.ts";
import { type Route, routeFor } from "./route.ts";

export type Admitted = {
  readonly kind: "admitted";
  readonly request: ClientRequest;
  readonly route: Route;
  readonly maxBufferBytes: number;
};

export type AdmitOptions = { readonly routes: readonly Route[]; readonly maxBufferBytes: number };

export function admit(raw: RawRequest, { routes, maxBufferBytes }: AdmitOptions): Admitted | Refused {
  const request = readClientRequest(raw);
  if (request.kind === "refused") return request;
  const routed = routeFor(routes, request, { maxBufferBytes });
  return routed.kind === "refused" ? routed : { kind: "admitted", request, route: routed.route, maxBufferBytes };
}
