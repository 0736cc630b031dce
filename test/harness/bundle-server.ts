/** A bundle server for tests: what it answers is set by the test, and every request is kept. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { listening } from "./listening.ts";

export type BundleServer = AsyncDisposable & {
  readonly url: URL;
  readonly requests: readonly IncomingHttpHeaders[];
  /** From the next request on. */
  answer(how: (response: ServerResponse, headers: IncomingHttpHeaders) => void): void;
  /** Serves an archive under an ETag, as OPA's protocol has it. */
  serve(archive: Uint8Array, etag: string): void;
};

export async function startBundleServer(): Promise<BundleServer> {
  const requests: IncomingHttpHeaders[] = [];
  let how: (response: ServerResponse, headers: IncomingHttpHeaders) => void = (response) =>
    void response.writeHead(404).end();
  const server = createServer((request, response) => {
    requests.push(request.headers);
    response.on("error", () => {});
    how(response, request.headers);
  });
  const port = await listening(server);
  return {
    url: new URL(`http://127.0.0.1:${port}/bundle.tar.gz`),
    requests,
    answer: (next) => void (how = next),
    serve(archive, etag) {
      how = (response, headers) => {
        if (headers["if-none-match"] === etag) response.writeHead(304, { etag }).end();
        else response.writeHead(200, { etag, "content-type": "application/gzip" }).end(archive);
      };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((done) => void server.close(() => done()));
    },
  };
}
