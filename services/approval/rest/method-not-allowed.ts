/** 405 with `Allow` for every address of ours and every method that it does not support, before authentication. */
import { sendProblem } from "./problem.ts";
import type { Rest } from "./rest.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"] as const;

/** Call before the first route; what it returns, after the last. */
export function watchMethods(rest: Rest): () => void {
  if (!rest.supportedMethods.includes("QUERY")) rest.addHttpMethod("QUERY", { hasBody: true });
  const known = new Map<string, Set<string>>();
  rest.addHook("onRoute", ({ url, method }) => {
    const methods = known.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    known.set(url, methods);
  });
  return () => {
    for (const [url, methods] of [...known]) {
      const allow = [...methods].join(", ");
      rest.route({
        method: METHODS.filter((one) => !methods.has(one)),
        url,
        schema: { hide: true, operationId: "none" },
        onRequest: async (_request, reply) => sendProblem(reply.header("allow", allow), "method_not_allowed"),
        handler: (_request, reply) => sendProblem(reply, "method_not_allowed"),
      });
    }
  };
}
