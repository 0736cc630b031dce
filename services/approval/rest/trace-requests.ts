/**
 * A span for every REST request, child of the caller's traceparent and parent of what the request does. Named by route, never by address:
 * addresses contain ids, and queries what people typed.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { FastifyRequest } from "fastify";
import { httpServer } from "../../../platform/traces/conventions.ts";
import { firstTraceparent } from "../../../platform/traces/traceparent.ts";
import type { Traces } from "../../../platform/traces/traces.ts";
import type { Rest } from "./rest.ts";

type Running = { readonly resume: (work: () => void) => void; readonly end: (status: number) => void };

/** The status that a proxy would log for a client that left. */
const CLIENT_CLOSED = 499;

/** Call before other hooks are added. */
export function traceRequests(app: Rest, traces: Traces): void {
  const running = new WeakMap<FastifyRequest, Running>();
  app.addHook("onRequest", (request, _reply, done) => {
    const { name, options } = httpServer(request.method, request.routeOptions.url);
    const parent = firstTraceparent([request.headers["traceparent"]]);
    const answered = traces.span(
      name,
      (span) =>
        new Promise<void>((resolve, reject) => {
          const end = (status: number) => {
            span.set({ "http.response.status_code": status });
            if (status >= 500) reject(new Error(`status ${status}`));
            else resolve();
          };
          running.set(request, { resume: AsyncLocalStorage.snapshot(), end });
          done();
        }),
      { ...options, parent },
    );
    answered.catch(() => {}); // it is marked
  });
  // The body was read by callbacks of the connection, which know of no span.
  app.addHook("preHandler", (request, _reply, done) => {
    const { resume } = running.get(request) ?? {};
    if (resume === undefined) done();
    else resume(done);
  });
  app.addHook("onResponse", async (request, reply) => running.get(request)?.end(reply.statusCode));
  app.addHook("onRequestAbort", async (request) => running.get(request)?.end(CLIENT_CLOSED));
}
