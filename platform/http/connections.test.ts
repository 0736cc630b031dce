/** The end of an HTTP server, whatever its connections have come to. */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { waitUntil } from "../programs/wait-until.ts";
import { superviseConnections } from "./connections.ts";

const DRAIN_MS = 300;
/** Well within the times that Node has for a head and for a body. */
const SOON_MS = DRAIN_MS + 10_000;
const HEAD = "POST / HTTP/1.1\r\nhost: x\r\n";

const owned: (() => unknown)[] = [];
afterEach(() => {
  for (const end of owned.splice(0).toReversed()) end();
});

async function listening(
  create: (serve: RequestListener) => Server,
  serve: RequestListener = (_request, _response) => {},
) {
  const server = create(serve);
  const connections = superviseConnections(server);
  let opened = 0;
  server.on("connection", () => (opened += 1));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  owned.push(() => server.closeAllConnections());
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no address");
  const { port } = address;
  async function opens(): Promise<Socket> {
    const before = opened;
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    owned.push(() => socket.destroy());
    await waitUntil("the connection", 20_000, () => opened > before);
    return socket;
  }
  const stop = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { opens, drain: (ms: number) => connections.drain(ms, stop) };
}

const PLAIN = (serve: RequestListener) => createServer(serve);
const TLS = (serve: RequestListener) => createTlsServer(serve);

test.each([
  ["half a head", PLAIN, HEAD],
  ["half a body", PLAIN, `${HEAD}content-length: 9\r\n\r\nhalf`],
  ["a body without an answer", PLAIN, `${HEAD}content-length: 4\r\n\r\nbody`],
  ["half a TLS handshake", TLS, "\u0016\u0003\u0001\u0002"],
])("%s does not hold up the end longer than it may", async (_what, create, sent) => {
  const { opens, drain } = await listening(create);
  const socket = await opens();
  await new Promise((resolve) => socket.write(sent, resolve));
  const closed = once(socket, "close");
  const begun = performance.now();
  await drain(DRAIN_MS);
  expect(performance.now() - begun).toBeLessThan(SOON_MS);
  await closed;
});

test.each([
  ["in plain text", PLAIN],
  ["before TLS", TLS],
])("a connection that never said anything, %s, does not hold it up at all", async (_how, create) => {
  const { opens, drain } = await listening(create);
  const closed = once(await opens(), "close");
  const begun = performance.now();
  await drain(60_000);
  expect(performance.now() - begun).toBeLessThan(15_000);
  await closed;
});

test("nor does what `stop` waits for beside the server", async () => {
  const begun = performance.now();
  await superviseConnections(createServer()).drain(DRAIN_MS, () => new Promise(() => {}));
  expect(performance.now() - begun).toBeLessThan(SOON_MS);
});

test("what is under way is answered, and its connection is not kept for long, though its client would", async () => {
  const arrived = Promise.withResolvers<void>();
  const mayAnswer = Promise.withResolvers<void>();
  const { opens, drain } = await listening(PLAIN, (_request, response) => {
    arrived.resolve();
    void mayAnswer.promise.then(() => response.end("answer"));
  });
  const socket = await opens();
  let got = "";
  socket.on("data", (chunk: Buffer) => (got += chunk.toString()));
  socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await arrived.promise;
  const begun = performance.now();
  const drained = drain(60_000);
  mayAnswer.resolve();
  await drained;
  expect(got).toMatch(/^HTTP\/1.1 200 .*answer/s);
  expect(performance.now() - begun).toBeLessThan(15_000);
});
