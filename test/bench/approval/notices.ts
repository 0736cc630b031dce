/** The receiver of the approval service's webhook: when an approver was told of a request. */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { Type } from "typebox";
import { Compile } from "typebox/compile";

const notice = Compile(
  Type.Object({
    data: Type.Object({ kind: Type.String(), request: Type.Object({ id: Type.String(), scope: Type.String() }) }),
  }),
);
const PATIENCE_MS = 20_000;

type Notice = { readonly requestId: string; readonly at: number };

export type Notices = AsyncDisposable & {
  readonly url: string;
  /** The first time that somebody was asked to review a request for this scope; `at` is of `performance.now()`. */
  askedFor(scope: string): Promise<Notice>;
};

export async function startNotices(): Promise<Notices> {
  const byScope = new Map<string, PromiseWithResolvers<Notice>>();
  const waiting = (scope: string) => {
    const one = byScope.get(scope) ?? Promise.withResolvers<Notice>();
    byScope.set(scope, one);
    return one;
  };
  const take = async (request: IncomingMessage) => {
    const body: unknown = JSON.parse(await text(request));
    const at = performance.now();
    if (notice.Check(body) && body.data.kind === "review_requested") {
      waiting(body.data.request.scope).resolve({ requestId: body.data.request.id, at });
    }
  };
  const server = createServer((request, response) => {
    void take(request).finally(() => response.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the receiver has no port");
  return {
    url: `http://127.0.0.1:${address.port}/approvals`,
    askedFor(scope) {
      const { promise, reject } = waiting(scope);
      const late = setTimeout(() => reject(new Error(`nobody was asked about ${scope}`)), PATIENCE_MS);
      return promise.finally(() => clearTimeout(late));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
