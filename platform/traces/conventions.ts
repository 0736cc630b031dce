/**
 * Names of spans for calls and messages, by OpenTelemetry's semantic conventions (RPC, messaging, HTTP): a dashboard that knows other services
 * knows ours. `causes` are the traceparents of what one operation serves: its span is a child of a single one, or, for several, in a trace of its
 * own and linked to each.
 */
import { recorded } from "./traceparent.ts";
import type { SpanOptions, Traces, TraceSpan } from "./traces.ts";

export function rpc(kind: "client" | "server", service: string, method: string) {
  return {
    name: `${service}/${method}`,
    options: { kind, attributes: { "rpc.system": "grpc", "rpc.service": service, "rpc.method": method } },
  } as const;
}

/** `system` is `kafka`, or `postgresql` where the stream is in it. */
export function messaging(operation: "send" | "process", topic: string, system: string) {
  return {
    name: `${operation} ${topic}`,
    options: {
      kind: operation === "send" ? "producer" : "consumer",
      attributes: {
        "messaging.system": system,
        "messaging.destination.name": topic,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
      },
    },
  } as const;
}

/** `route` is the template: an address would say who and what. */
export function httpServer(method: string, route: string | undefined) {
  return {
    name: route === undefined ? method : `${method} ${route}`,
    options: {
      kind: "server",
      attributes: { "http.request.method": method, ...(route === undefined ? {} : { "http.route": route }) },
    },
  } as const;
}

/** No span where there is no cause that is recorded: nobody would ever find it. */
export function spanBelow<T>(
  traces: Traces,
  { name, options }: { readonly name: string; readonly options: SpanOptions },
  causes: readonly string[],
  work: (span: TraceSpan | undefined) => T,
): T {
  const [first, ...more] = recorded(causes);
  if (first === undefined) return work(undefined);
  if (more.length === 0) return traces.span(name, work, { ...options, parent: first });
  // Not below what happens to run here: no one of them is the parent.
  return traces.span(name, work, { ...options, parent: NOBODY, links: [first, ...more] });
}

/** No traceparent, so the root of a trace. */
const NOBODY = "";
