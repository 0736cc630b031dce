import { once } from "node:events";
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
  type Settings,
} from "node:http2";
import { afterEach, expect, test } from "@jest/globals";
import { type Http2Connection, openHttp2 } from "./http2-connection.ts";

const owned: (() => void)[] = [];
afterEach(() => {
  for (const end of owned.splice(0)) end();
});

type Handler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

async function connected(handler: Handler, settings: Settings = {}): Promise<Http2Connection> {
  const server: Http2Server = createServer({ settings });
  server.on("stream", handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const connection = openHttp2(port, [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", "/asked"],
    [":authority", "here"],
    ["a-long-one", "x".repeat(300)],
  ]);
  owned.push(connection.close, () => server.close());
  return connection;
}

/** Answers what it was sent, by the path that it was asked at. */
const echo: Handler = (stream, headers) => {
  const chunks: Buffer[] = [];
  stream.respond({ ":status": 200 }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("end", () =>
    stream.end(`${headers[":path"]} ${String(headers["a-long-one"]).length} ${String(Buffer.concat(chunks))}`),
  );
};

test("the first request and every later one say the same header fields, and each gets its own answer", async () => {
  const connection = await connected(echo);
  const answers = await Promise.all(["a", "b", "c"].map((one) => connection.request(Buffer.from(one))));
  expect(answers.map(String)).toEqual(["/asked 300 a", "/asked 300 b", "/asked 300 c"]);
});

test("more than the peer's windows and streams hold waits, and all of it arrives", async () => {
  let most = 0;
  let now = 0;
  const connection = await connected(
    (stream, headers) => {
      now += 1;
      most = Math.max(most, now);
      stream.on("close", () => (now -= 1));
      echo(stream, headers);
    },
    { maxConcurrentStreams: 4 },
  );
  await connection.request(Buffer.from("settings are known from now on"));
  const bodies = Array.from({ length: 40 }, (_, at) => String(at % 10).repeat(40_000));
  const answers = await Promise.all(bodies.map((one) => connection.request(Buffer.from(one))));
  expect(answers.map((one) => String(one).slice("/asked 300 ".length))).toEqual(bodies);
  expect(most).toBeLessThanOrEqual(4);
});

test("a stream that is reset, and a connection that is lost, leave no answer", async () => {
  const connection = await connected((stream) => stream.close(8));
  expect(await connection.request(Buffer.from("a"))).toBeUndefined();
  const lost = await connected((stream) => stream.session?.destroy());
  expect(await Promise.all([lost.request(Buffer.from("a")), lost.request(Buffer.from("b"))])).toEqual([
    undefined,
    undefined,
  ]);
  expect(await lost.request(Buffer.from("c"))).toBeUndefined();
});
