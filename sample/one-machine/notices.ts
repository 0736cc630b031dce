/** The receiver of the approval service's webhook on one machine: shows what approvers would be told. */
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { readSigned } from "./signed-notice.ts";

interface Notices extends AsyncDisposable {
  readonly url: string;
  /** Bodies, each once, in the order in which they came. */
  readonly all: readonly unknown[];
}

export async function startNotices({
  secret,
  onNotice,
}: {
  readonly secret: string;
  readonly onNotice: (notice: unknown) => void;
}): Promise<Notices> {
  const all: unknown[] = [];
  const seen = new Set<unknown>();
  const server = createServer((request, response) => {
    buffer(request)
      .then((body) => {
        const notice = readSigned(request.headers, body, secret);
        response.writeHead(204).end();
        const id = request.headers["webhook-id"];
        if (seen.has(id)) return; // deliveries may repeat
        seen.add(id);
        all.push(notice);
        onNotice(notice);
      })
      .catch(() => response.writeHead(401).end());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the receiver of notifications has no port");
  return {
    url: `http://127.0.0.1:${address.port}/notices`,
    all,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
