/** Switching to WebSocket through the gateway: only where a route takes it, only after an allow, and never as a way to smuggle. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { type RunningGateway, startGatewayProcess } from "../../harness/gateway.ts";
import { listening } from "../../harness/listening.ts";
import { type RecordingAuthorization, startRecordingAuthorization } from "../../harness/recording-authorization.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";

const DEADLINE_MS = 20_000;
/** The longest there may be: an end that took it would be seen. */
const DRAIN_MS = 60_000;
const SMUGGLED = "GET /admin HTTP/1.1\r\nhost: a\r\n\r\n";

/** Echoes what comes after a switch, and keeps all that it saw. */
const seen: { target: string; headers: IncomingMessage["headers"]; bytes: string }[] = [];
const sockets = new Set<Duplex>();
let switches = true;
const upstream = createServer((request, response) => {
  seen.push({ target: request.url ?? "", headers: request.headers, bytes: "" });
  response.end("not switched");
});
upstream.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
  const entry = { target: request.url ?? "", headers: request.headers, bytes: head.toString() };
  seen.push(entry);
  sockets.add(socket);
  socket.on("error", () => {});
  socket.on("end", () => socket.destroy());
  if (!switches) return void socket.end("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n",
  );
  socket.write(head);
  socket.on("data", (chunk: Buffer) => {
    entry.bytes += chunk.toString();
    socket.write(chunk);
  });
});

let authorization: RecordingAuthorization;
let gateway: RunningGateway;

beforeAll(async () => {
  authorization = await startRecordingAuthorization();
  gateway = await startGatewayProcess({
    authorization: authorization.port,
    upstream: await listening(upstream),
    settings: {
      routes: [
        { prefix: "/live", body: "streamed", upgrade: true, timeoutMs: 5_000 },
        { prefix: "/", body: "streamed" },
      ],
      maxStreamMs: 5_000,
    },
  });
});

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await authorization?.[Symbol.asyncDispose]();
  for (const socket of sockets) socket.destroy();
  upstream.close();
});

beforeEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  seen.length = 0;
  switches = true;
  authorization.seen.length = 0;
  authorization.answer = "ok";
  authorization.okHeaders = new Map();
  authorization.respond = undefined;
});

function open(target: string, behind = "", lines: readonly string[] = ["connection: Upgrade", "upgrade: websocket"]) {
  const socket = connect(gateway.port, "127.0.0.1");
  const state = { text: "", closed: false, socket };
  socket.on("data", (chunk) => {
    state.text += chunk.toString();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    state.closed = true;
  });
  socket.write(`GET ${target} HTTP/1.1\r\nhost: a\r\n${lines.join("\r\n")}\r\nsec-websocket-key: k\r\n\r\n${behind}`);
  return state;
}

const until = (what: string, probe: () => boolean) => waitUntil(what, DEADLINE_MS, probe);

test.each([
  ["a route that does not take it", "/orders", undefined],
  ["another protocol", "/live", ["connection: upgrade", "upgrade: tls/1.3"]],
  ["several protocols", "/live", ["connection: upgrade", "upgrade: h2c, websocket"]],
])("%s is 403, and what stands behind it is no request", async (_, target, lines) => {
  const client = open(target, SMUGGLED, lines);
  await until("the end of the connection", () => client.closed || client.text.includes("upgrade_refused"));
  expect(client.text).toMatch(/^HTTP\/1\.1 403 /);
  client.socket.destroy();
  expect(seen.filter(({ target }) => target !== "/admin")).toEqual([]);
});

test.each([
  ["denied", 403],
  ["undecided", 503],
])("%s, it reaches no upstream, nor does what stands behind it", async (how, status) => {
  if (how === "denied") authorization.answer = "deny";
  else authorization.respond = { kind: "error", code: 14 };
  const client = open("/live", SMUGGLED);
  await until("the end of the connection", () => client.closed);
  expect(client.text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(seen).toEqual([]);
});

test("an upstream that does not switch gets nothing of what stands behind it", async () => {
  switches = false;
  const client = open("/live", SMUGGLED);
  await until("the end of the connection", () => client.closed);
  expect(client.text).toMatch(/^HTTP\/1\.1 50[23] /);
  expect(seen.map(({ target, bytes }) => ({ target, bytes }))).toEqual([{ target: "/live", bytes: "" }]);
});

test("allowed, bytes go both ways, with the headers of the decision service and none of the client's own version", async () => {
  authorization.okHeaders = new Map([["countersign-subject", "dana"]]);
  const lines = ["connection: Upgrade", "upgrade: websocket", "countersign-subject: sam", "x-a: 1"];
  const client = open("/live?x=1", "early,", lines);
  await until("the echo of what came early", () => client.text.endsWith("early,"));
  expect(client.text).toMatch(
    /^HTTP\/1\.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n/,
  );
  client.socket.write("late");
  await until("the echo of what came late", () => client.text.endsWith("late"));
  expect(seen).toHaveLength(1);
  expect(seen[0]?.target).toBe("/live?x=1");
  expect(seen[0]?.headers).toMatchObject({
    "countersign-subject": "dana",
    "x-a": "1",
    "sec-websocket-key": "k",
    upgrade: "websocket",
  });
  const shown = authorization.seen[0]?.attributes?.request?.http?.headerMap?.headers ?? [];
  expect(shown.map(({ key, rawValue }) => `${key}: ${rawValue.toString()}`)).toEqual(
    expect.arrayContaining(["upgrade: websocket", "connection: Upgrade", "x-a: 1"]),
  );
  client.socket.destroy();
  await until("the upstream's end of it", () => [...sockets].every((socket) => socket.destroyed));
});

test("a WebSocket client gets its message", async () => {
  const server = createServer();
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    const head = `connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ${accept}\r\n\r\n`;
    socket.on("error", () => {});
    socket.write(
      Buffer.concat([Buffer.from(`HTTP/1.1 101 Switching Protocols\r\n${head}`), Buffer.from("\x81\x02hi", "latin1")]),
    );
  });
  const settings = { routes: [{ prefix: "/", body: "none", upgrade: true }] };
  await using own = await startGatewayProcess({
    authorization: authorization.port,
    upstream: await listening(server),
    settings,
  });
  const client = new WebSocket(`ws://127.0.0.1:${own.port}/live`);
  const message = await new Promise<unknown>((resolve, reject) => {
    client.addEventListener("message", ({ data }) => resolve(data));
    client.addEventListener("error", () => reject(new Error("the switch was refused")));
  });
  expect(message).toBe("hi");
  client.close();
  server.close();
});

test("its time is limited", async () => {
  const client = open("/live");
  await until("the switch", () => client.text.includes("101 Switching"));
  await until("the end of its time", () => client.closed);
});

test("a wish for HTTP/2 is not heard, and the request is served", async () => {
  const client = open("/orders", "", [
    "connection: close, upgrade, http2-settings",
    "upgrade: h2c",
    "http2-settings: AAMAAABkAAQAAP",
  ]);
  await until("the end of the connection", () => client.closed);
  expect(client.text).toMatch(/^HTTP\/1\.1 200 /);
  expect(seen[0]?.headers).not.toHaveProperty("upgrade");
});

test("a tunnel does not hold up the end of the process", async () => {
  await using own = await startGatewayProcess({
    authorization: authorization.port,
    upstream: upstreamPort(),
    settings: { routes: [{ prefix: "/", body: "none", upgrade: true }], drainMs: DRAIN_MS },
  });
  const socket = connect(own.port, "127.0.0.1");
  let text = "";
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    text += chunk.toString();
  });
  socket.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
  await until("the switch", () => text.includes("101 Switching"));
  const begun = performance.now();
  expect(await own.stop()).toBe(0);
  expect(performance.now() - begun).toBeLessThan(DRAIN_MS / 2);
});

function upstreamPort(): number {
  const address = upstream.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
