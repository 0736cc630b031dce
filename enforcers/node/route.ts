/**
 * Which upstream serves a path, and what may pass: the first route whose prefix the path begins with, as in Envoy. Where no
 * route matches nothing is forwarded.
 */
import type { ClientRequest } from "./client-request.ts";
import { type Refused, refused } from "./refusal.ts";
import { mayHaveBody } from "./request-headers.ts";

export type Route = {
  readonly prefix: string;
  /** Scheme, host and port; nothing else. */
  readonly upstream: string;
  /**
   * `buffered`: read whole up to the limit and shown to the policy, so that an approval can be tied to it. `streamed`: never
   * looked at. `none`: a request with a body is refused, so that the policy knows that there is none.
   */
  readonly body: "buffered" | "streamed" | "none";
  /** Whether a client may switch to WebSocket. */
  readonly upgrade: boolean;
  /** Until the upstream's response headers. */
  readonly timeoutMs: number;
};

type Routed = { readonly kind: "routed"; readonly route: Route };

export function routeFor(
  routes: readonly Route[],
  request: ClientRequest,
  { maxBufferBytes }: { readonly maxBufferBytes: number },
): Routed | Refused {
  const route = routes.find(({ prefix }) => request.path.startsWith(prefix));
  if (route === undefined) return refused("no_route");
  const { framing, upgrade, method } = request;
  if (upgrade !== undefined && !(route.upgrade && upgrade === "websocket" && method === "GET")) {
    return refused("upgrade_refused");
  }
  if (route.body === "none" && mayHaveBody(framing)) return refused("body_too_large");
  if (route.body === "buffered" && framing.kind === "length" && framing.bytes > maxBufferBytes) {
    return refused("body_too_large");
  }
  return { kind: "routed", route };
}
