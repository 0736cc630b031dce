/** An upstream that records what reached it: whether a forbidden action happened is asked of it, not of the proxy. */
import { createServer, type IncomingHttpHeaders } from "node:http";

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Name, value, name, value, as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Name, value, name, value, as they came behind the body. */
  readonly rawTrailers: readonly string[];
}

export interface RecordingUpstream extends AsyncDisposable {
  readonly port: number;
  readonly received: Received[];
  /** That many of the next requests are answered 503, and not recorded. */
  refuse(count: number): void;
}

export async function startRecordingUpstream(): Promise<RecordingUpstream> {
  const received: Received[] = [];
  let refusals = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (refusals > 0) {
        refusals -= 1;
        response.writeHead(503).end("not now\n");
        return;
      }
      const { method = "", url = "", headers, rawHeaders, rawTrailers } = request;
      received.push({ method, url, headers, rawHeaders, body: Buffer.concat(chunks), rawTrailers });
      response.end("done\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the upstream has no port");
  return {
    port: address.port,
    received,
    refuse(count) {
      refusals += count;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
