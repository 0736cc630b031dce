/**
 * What fastify routes of a server, asked of the router itself: a route that is added anywhere is in every test that asks this. As
 * `METHOD /path/{parameter}`, which is how the OpenAPI documents name them.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** What `make` resolves to, and whatever was routed meanwhile; the methods that an address refuses by 405 aside. */
export async function withRoutes<T>(
  make: () => Promise<T>,
): Promise<{ readonly made: T; readonly routes: readonly string[] }> {
  const routes: string[] = [];
  const watch = (message: unknown) => {
    const { fastify: app } = Object(message);
    app.addHook("onRoute", ({ method, url, schema }: { method: string | string[]; url: string; schema?: unknown }) => {
      if (Object(schema).operationId === "none") return;
      for (const one of [method].flat()) routes.push(`${one} ${url.replace(/:(\w+)/g, "{$1}")}`);
    });
  };
  subscribe("fastify.initialization", watch);
  try {
    return { made: await make(), routes: routes.toSorted() };
  } finally {
    unsubscribe("fastify.initialization", watch);
  }
}
