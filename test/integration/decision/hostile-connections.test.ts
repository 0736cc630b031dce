/**
 * AuthZEN over HTTP/1.1 by whoever reaches its port: heads, bodies and handshakes that never come to their end, more lines than a head may have, two
 * meanings of where a request ends, requests without end whose answers nobody reads, and JSON that is deep or says a name twice. Others are served.
 */
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { createAuthority } from "../../harness/certificates.ts";
import { startAuthzen } from "./authzen-fixture.ts";
import { ASKER, question } from "./authzen-samples.ts";

let authzen: Awaited<ReturnType<typeof startAuthzen>>;
let secure: Awaited<ReturnType<typeof startAuthzen>>;
const sockets: Socket[] = [];

beforeAll(async () => {
  authzen = await startAuthzen();
  const pair = await (await createAuthority("ours")).issue({ name: "pdp", use: "server" });
  secure = await startAuthzen({ tls: { ...pair, clientCa: undefined } });
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await authzen[Symbol.asyncDispose]();
  await secure[Symbol.asyncDispose]();
});

const PATH = "/access/v1/evaluation";
const TYPES = ["application/json", "application/json;charset=utf-8"];
const HEAD = `POST ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ASKER}\r\n`;
const BODY = JSON.stringify(question());

function opened(bytes: string, { port } = authzen) {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  const begun = performance.now();
  const seen: { text: string; endedMs?: number } = { text: "" };
  socket.on("error", () => {}).on("data", (chunk: Buffer) => (seen.text += chunk.toString("latin1")));
  socket.on("close", () => (seen.endedMs = performance.now() - begun));
  socket.write(bytes, "latin1");
  const statuses = () => [...seen.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
  return { socket, seen, statuses };
}

const whole = (body: string, type = "application/json") =>
  `${HEAD}content-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

async function statusOf(bytes: string): Promise<number | undefined> {
  const { socket, statuses, seen } = opened(bytes);
  await waitUntil("an answer or the end", 5_000, () => statuses().length > 0 || seen.endedMs !== undefined);
  socket.destroy();
  return statuses()[0];
}

async function expectServed(): Promise<void> {
  const begun = performance.now();
  for (const type of TYPES) expect(await statusOf(whole(BODY, type))).toBe(200);
  expect(performance.now() - begun).toBeLessThan(2_000);
}

test("what does not come to its end is ended within 15 s: a head, also by a byte each second, a body, a handshake", async () => {
  const drip = (bytes: string, next: string, at = authzen) => {
    const one = opened(bytes, at);
    const timer = setInterval(() => one.socket.writable && one.socket.write(next), 1_000);
    one.socket.on("close", () => clearInterval(timer));
    return one;
  };
  const slow = [
    drip("POST ", "x"),
    drip(HEAD, "x"),
    drip(`${HEAD}x-a: `, "x"),
    drip(`${HEAD}content-type: application/json\r\ncontent-length: 500\r\n\r\n{`, " "),
    drip(`${HEAD}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`, "1\r\n \r\n"),
    opened("\u0016\u0003\u0001", secure),
    opened("", secure),
  ];
  await expectServed();
  await waitUntil("the end of all", 15_000, () => slow.every(({ seen }) => seen.endedMs !== undefined));
  await expectServed();
}, 30_000);

test("a second credential is seen behind however many lines, and too many bytes of a head are refused", async () => {
  const lines = "a:\r\n".repeat(3_000);
  const rest = `content-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
  expect(await statusOf(HEAD + lines + rest)).toBe(200);
  expect(await statusOf(`${HEAD + lines}authorization: Bearer other\r\n${rest}`)).toBe(401);
  expect(await statusOf(`${HEAD}x-a: ${"y".repeat(20_000)}\r\n${rest}`)).toBe(431);
  await expectServed();
});

const SMUGGLED = `POST ${PATH} HTTP/1.1\r\nhost: smuggled\r\ncontent-length: 0\r\n\r\n`;

test.each([
  [
    "a length beside chunks",
    `content-length: ${SMUGGLED.length + 5}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  ["two lengths", `content-length: 0\r\ncontent-length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`],
  ["two lengths in a line", `content-length: 0, ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`],
  ["a length with a sign", `content-length: +${SMUGGLED.length}\r\n\r\n${SMUGGLED}`],
  ["a length in hexadecimal", `content-length: 0x10\r\n\r\n${SMUGGLED}`],
  ["a space before the colon", `content-length : ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`],
  ["chunks that are not the last coding", `transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${SMUGGLED}`],
  ["chunks in another spelling", `transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
  ["a line that goes on in the next", `x-a: b\r\n content-length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`],
  ["lines that end by a line feed alone", `x-a: b\ncontent-length: ${SMUGGLED.length}\n\n${SMUGGLED}`],
  ["a line that ends by a carriage return alone", `x-a: b\rcontent-length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`],
  ["a zero byte in a value", `x-a: \0\r\ncontent-length: 0\r\n\r\n${SMUGGLED}`],
  ["a size of a chunk that is none", `transfer-encoding: chunked\r\n\r\n-1\r\n${SMUGGLED}`],
  ["a chunk that is longer than it says", `transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n${SMUGGLED}`],
])("%s: the request is refused, and nothing behind it is taken for one", async (_what, rest) => {
  for (const type of TYPES) {
    const { statuses, seen } = opened(`${HEAD}content-type: ${type}\r\n${rest}`);
    await waitUntil("the end of the connection", 5_000, () => seen.endedMs !== undefined);
    expect(statuses()).toEqual([400]);
  }
});

test("requests without end on one connection whose answers are not read hold up nobody, and are not all taken", async () => {
  const { socket } = opened("");
  socket.pause();
  const many = whole(BODY).repeat(200);
  let sent = 0;
  while (sent < 500 && socket.write(many, "latin1")) {
    sent += 1;
    await new Promise(setImmediate);
  }
  for (; sent < 500 && socket.writableLength < 8 * 1024 * 1024; sent += 1) socket.write(many, "latin1");
  await expectServed();
  expect(socket.writableLength).toBeGreaterThan(0);
}, 20_000);

test.each<[string, string, number]>([
  ["lists in lists", `{"subject":${"[".repeat(30_000)}${"]".repeat(30_000)}}`, 400],
  ["objects in objects", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`, 400],
  ["deep beside what is asked", BODY.replace("{", `{"context":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)},`), 400],
  ["deep, with a name that is looked for", `{"constructor":${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}}`, 400],
  ["without an end", `{"subject":${"[".repeat(60_000)}`, 400],
  ["a name that reaches a prototype", BODY.replace("{", '{"__proto__":{"decision":true},'), 400],
  ["the same, escaped", BODY.replace("{", '{"\\u005f_proto__":{"decision":true},'), 400],
  ["half a surrogate pair", BODY.replace("{", '{"context":{"a":"\\ud800"},'), 400],
  ["a number without a value", BODY.replace("{", '{"context":{"a":1e999},'), 400],
])("JSON: %s is the same by both ways", async (_what, body, status) => {
  for (const type of TYPES) expect(await statusOf(whole(body, type))).toBe(status);
  await expectServed();
});

test("of a name that is said twice the last one counts, in both ways, for the decision and on record", async () => {
  const twice = BODY.replace('"action"', '"action":{"name":"first"},"action"');
  for (const type of TYPES) {
    authzen.world.asked.length = 0;
    expect(await statusOf(whole(twice, type))).toBe(200);
    expect(authzen.world.asked[0]?.action).toEqual({ name: "delete", properties: {} });
  }
});
