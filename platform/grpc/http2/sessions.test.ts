/** Connections of a server whose peers say nothing, or say it late; over real sockets. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import net from "node:net";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { listening } from "../../../test/harness/listening.ts";
import { waitUntil } from "../../programs/wait-until.ts";
import { PassingMap } from "../../passing-map.ts";
import { keepStreamsYoung, type Sessions, superviseSessions } from "./sessions.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const DRAIN_MS = 300;
/** For the answer to a ping, which this process gives itself: others may have its processor for a moment. */
const WITHIN_MS = 1_000;

let server: Http2Server;
let sessions: Sessions;
let port: number;
const open: (() => void)[] = [];
beforeEach(async () => {
  server = createServer();
  sessions = superviseSessions(server, { everyMs: 50, withinMs: WITHIN_MS });
  server.on("stream", (stream) => stream.respond({ ":status": 200 }));
  port = await listening(server);
});
afterEach(async () => {
  for (const close of open.splice(0)) close();
  await sessions.drain(DRAIN_MS);
});

async function plainSocket(): Promise<net.Socket> {
  const socket = net.connect(port, "127.0.0.1");
  open.push(() => socket.destroy());
  socket.on("error", () => {}).resume();
  await once(socket, "connect");
  return socket;
}

test("the streams of a session are kept young with the Node that services run on, and a session of another shape is left alone", async () => {
  const [begun] = await Promise.all([once(server, "session"), plainSocket()]);
  const session: ServerHttp2Session = begun[0];
  const symbol = Object.getOwnPropertySymbols(session).find(({ description }) => description === "state") ?? "";
  expect(Reflect.get(session, symbol).streams).toBeInstanceOf(PassingMap);
  for (const state of [
    undefined,
    {},
    { streams: [] },
    { streams: new Map([[1, {}]]) },
    Object.freeze({ streams: new Map() }),
  ]) {
    const other: ServerHttp2Session = Object.create(session, { [symbol]: { value: state } });
    expect(keepStreamsYoung(other)).toBe(false);
    expect(Reflect.get(other, symbol)).toBe(state);
  }
});

test("Node uses that Map by methods alone, each of which ours has: its source says so", () => {
  const print = "process.binding('natives')['internal/http2/core']";
  const { stdout } = spawnSync(process.execPath, ["-p", print], { encoding: "utf8" });
  const uses = stdout.replaceAll(/^ *\/\/.*$/gm, "").match(/^.*\bstreams\b.*$/gm) ?? [];
  const other = uses.filter((line) => !/\bstreams\.(?:get|set|delete|size|forEach)\b/.test(line));
  expect(uses.length).toBeGreaterThan(other.length);
  // Where it is made, and where it is fetched to be asked.
  expect(other.map((line) => line.trim())).toEqual([
    "const streams = session[kState].streams;",
    "streams: new SafeMap(),",
  ]);
});

test("a peer that does not answer a ping is cut off, one that does stays", async () => {
  const alive = connect(`http://127.0.0.1:${port}`);
  open.push(() => alive.destroy());
  let pings = 0;
  alive.on("ping", () => (pings += 1));
  const dead = await plainSocket();
  const closed = once(dead, "close");
  dead.write(Buffer.concat([PREFACE, SETTINGS]));
  await closed;
  await waitUntil("three pings", 20_000, () => pings >= 3);
  expect(alive.destroyed).toBe(false);
});

test("at the end a caller is told that what is on its way still counts, then it is over with the last call", async () => {
  const socket = await plainSocket();
  const told: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => told.push(chunk));
  socket.write(Buffer.concat([PREFACE, SETTINGS]));
  await waitUntil("its settings", 20_000, () => told.length > 0);
  await sessions.drain(DRAIN_MS);
  const [first, ...later] = lastStreamsOfGoAways(Buffer.concat(told));
  // And once more where it is cut, since it does not close its side.
  expect([first, ...new Set(later)]).toEqual([2 ** 31 - 1, 0]);
});

test("a call that never ends, and a connection that never spoke, hold up the end no longer than they may", async () => {
  await plainSocket();
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  open.push(() => session.destroy());
  const stream = session.request();
  stream.on("error", () => {});
  await once(stream, "response");
  const begun = performance.now();
  await sessions.drain(DRAIN_MS);
  const tookMs = performance.now() - begun;
  expect(tookMs).toBeGreaterThan(DRAIN_MS - 20);
  expect(tookMs).toBeLessThan(DRAIN_MS + 5_000);
  await waitUntil("the connection to be cut", 20_000, () => session.destroyed);
  await expect(once(net.connect(port, "127.0.0.1"), "connect")).rejects.toThrow();
});

/** Frame: length 3, type 1, flags 1, stream 4, then the payload; GOAWAY is type 7 and begins with the last stream. */
function lastStreamsOfGoAways(bytes: Buffer): readonly number[] {
  const found: number[] = [];
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] === 7) found.push(bytes.readUInt32BE(at + 9));
  }
  return found;
}
