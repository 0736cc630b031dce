/**
 * HTTP/1.1 by whoever reaches a port of a service: heads, bodies and handshakes that never come to their end, more lines than a head may have, two
 * meanings of where a request ends, requests without end whose answers nobody reads, and JSON that is deep. Others are served meanwhile, and the
 * service ends in time all the same. What the processes hold afterwards: held-connections.test.ts.
 */
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { createAuthority } from "../harness/certificates.ts";
import { DRAIN_MS, HTTP_PORTS, type ServedHttp } from "./http-ports.ts";

type Asking = Pick<ServedHttp, "path" | "credential" | "body" | "types" | "port">;

const sockets: Socket[] = [];
afterAll(() => {
  for (const socket of sockets) socket.destroy();
});

function opened(bytes: string, port: number) {
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

const headOf = ({ path, credential }: Asking) =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${credential}\r\n`;

const whole = (asking: Asking, body = asking.body, type = "application/json") =>
  `${headOf(asking)}content-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

async function statusOf(bytes: string, port: number): Promise<number | undefined> {
  const { socket, statuses, seen } = opened(bytes, port);
  await waitUntil("an answer or the end", SERVED_MS, () => statuses().length > 0 || seen.endedMs !== undefined);
  socket.destroy();
  return statuses()[0];
}

/** Who waited for one that does not come to its end would wait for 10 s at least. */
const SERVED_MS = 8_000;

async function expectServed(asking: Asking): Promise<void> {
  const begun = performance.now();
  for (const type of asking.types) expect(await statusOf(whole(asking, asking.body, type), asking.port)).toBe(200);
  expect(performance.now() - begun).toBeLessThan(SERVED_MS);
}

/** One of each kind that does not come to its end; with `everyMs` it goes on a byte at a time. */
function slowOnes(asking: Asking, everyMs?: number) {
  const drip = (bytes: string, next: string) => {
    const one = opened(bytes, asking.port);
    const timer = setInterval(() => one.socket.writable && one.socket.write(next), everyMs ?? 1e9);
    one.socket.on("close", () => clearInterval(timer));
    return one;
  };
  const head = headOf(asking);
  const json = "content-type: application/json\r\n";
  return [
    drip("POST ", "x"),
    drip(head, "x"),
    drip(`${head}x-a: `, "x"),
    drip(`${head}${json}content-length: 500\r\n\r\n{`, " "),
    drip(`${head}${json}transfer-encoding: chunked\r\n\r\n`, "1\r\n \r\n"),
  ];
}

const SMUGGLED = (path: string) => `POST ${path} HTTP/1.1\r\nhost: smuggled\r\ncontent-length: 0\r\n\r\n`;

const TWO_MEANINGS: readonly (readonly [what: string, rest: (smuggled: string) => string])[] = [
  [
    "a length beside chunks",
    (more) => `content-length: ${more.length + 5}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${more}`,
  ],
  ["two lengths", (more) => `content-length: 0\r\ncontent-length: ${more.length}\r\n\r\n${more}`],
  ["two lengths in a line", (more) => `content-length: 0, ${more.length}\r\n\r\n${more}`],
  ["a length with a sign", (more) => `content-length: +${more.length}\r\n\r\n${more}`],
  ["a length in hexadecimal", (more) => `content-length: 0x10\r\n\r\n${more}`],
  ["a space before the colon", (more) => `content-length : ${more.length}\r\n\r\n${more}`],
  ["chunks that are not the last coding", (more) => `transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${more}`],
  ["chunks in another spelling", (more) => `transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${more}`],
  ["a line that goes on in the next", (more) => `x-a: b\r\n content-length: ${more.length}\r\n\r\n${more}`],
  ["lines that end by a line feed alone", (more) => `x-a: b\ncontent-length: ${more.length}\n\n${more}`],
  ["a line that ends by a carriage return alone", (more) => `x-a: b\rcontent-length: ${more.length}\r\n\r\n${more}`],
  ["a zero byte in a value", (more) => `x-a: \0\r\ncontent-length: 0\r\n\r\n${more}`],
  ["a size of a chunk that is none", (more) => `transfer-encoding: chunked\r\n\r\n-1\r\n${more}`],
  ["a chunk that is longer than it says", (more) => `transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n${more}`],
];

/** Behind the `{` of a body that is good, or in its place. */
const DEEP: readonly (readonly [what: string, body: (good: string, member: string) => string])[] = [
  ["lists in lists", (_, member) => `{"${member}":${"[".repeat(30_000)}${"]".repeat(30_000)}}`],
  ["objects in objects", () => `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`],
  ["deep beside what is asked", (good) => `{"context":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)},${good.slice(1)}`],
  ["deep, with a name that is looked for", () => `{"constructor":${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}}`],
  ["without an end", (_, member) => `{"${member}":${"[".repeat(60_000)}`],
  ["cut off", (good) => good.slice(0, -1)],
  ["a name that reaches a prototype", (good) => `{"__proto__":{"decision":true},${good.slice(1)}`],
  ["the same, escaped", (good) => `{"\\u005f_proto__":{"decision":true},${good.slice(1)}`],
  ["half a surrogate pair", (good) => `{"context":{"a":"\\ud800"},${good.slice(1)}`],
  ["a number without a value", (good) => `{"context":{"a":1e999},${good.slice(1)}`],
];

test("what does not come to its end is ended within 15 s, at each port: a head, also by a byte each second, a body, a handshake", async () => {
  await using owned = new AsyncDisposableStack();
  const pair = await (await createAuthority("ours")).issue({ name: "service", use: "server" });
  const ports = await Promise.all(HTTP_PORTS.map(async ({ serve }) => owned.use(await serve())));
  const secure = await Promise.all(HTTP_PORTS.map(async ({ serve }) => owned.use(await serve({ pair }))));
  const slow = [
    ...ports.flatMap((port) => slowOnes(port, 1_000)),
    ...secure.flatMap(({ port }) => [opened("\u0016\u0003\u0001", port), opened("", port)]),
  ];
  await Promise.all(ports.map(expectServed));
  await waitUntil("the end of all", 15_000, () => slow.every(({ seen }) => seen.endedMs !== undefined));
  await Promise.all(ports.map(expectServed));
});

describe.each(HTTP_PORTS)("$name", ({ serve }) => {
  let served: ServedHttp;
  beforeAll(async () => {
    served = await serve();
  });
  afterAll(async () => {
    await served?.[Symbol.asyncDispose]();
  });

  test("a second credential is seen behind however many lines, and too many bytes of a head or a body are refused", async () => {
    const { body, port } = served;
    const head = headOf(served);
    const lines = "a:\r\n".repeat(3_000);
    const rest = `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    expect(await statusOf(head + lines + rest, port)).toBe(200);
    expect(await statusOf(`${head + lines}authorization: Bearer other\r\n${rest}`, port)).toBe(401);
    expect(await statusOf(`${head}x-a: ${"y".repeat(20_000)}\r\n${rest}`, port)).toBe(431);
    expect(await statusOf(whole(served, " ".repeat(65_537) + body), port)).toBe(413);
    expect(await statusOf(`${head}content-type: application/json\r\ncontent-length: 999999999\r\n\r\n{`, port)).toBe(
      413,
    );
    const chunks = `${"fff\r\n".padEnd(0xfff + 5, " ")}\r\n`.repeat(40);
    const chunked = `${head}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`;
    expect(await statusOf(chunked, port)).toBe(413);
    await expectServed(served);
  });

  test.each(TWO_MEANINGS)("%s: the request is refused, and nothing behind it is taken for one", async (_what, rest) => {
    for (const type of served.types) {
      const bytes = `${headOf(served)}content-type: ${type}\r\n${rest(SMUGGLED(served.path))}`;
      const { statuses, seen } = opened(bytes, served.port);
      await waitUntil("the end of the connection", SERVED_MS, () => seen.endedMs !== undefined);
      expect(statuses()).toEqual([400]);
    }
  });

  test("requests without end on one connection whose answers are not read hold up nobody else, and are not all taken", async () => {
    await using own = await serve({ isLimited: true });
    const { socket } = opened("", own.port);
    socket.pause();
    const many = whole(own).repeat(200);
    let sent = 0;
    while (sent < 500 && socket.write(many, "latin1")) {
      sent += 1;
      await new Promise(setImmediate);
    }
    for (; sent < 500 && socket.writableLength < 8 * 1024 * 1024; sent += 1) socket.write(many, "latin1");
    await expectServed({ ...own, ...own.other });
    expect(socket.writableLength).toBeGreaterThan(0);
    socket.destroy();
  });

  test.each(DEEP)("JSON: %s is refused, by each way of reading it", async (_what, bodyOf) => {
    const body = bodyOf(served.body, served.member);
    for (const type of served.types) expect(await statusOf(whole(served, body, type), served.port)).toBe(400);
    await expectServed(served);
  });

  test("however many of these are open, it ends within its time, and so do they", async () => {
    const own = await serve();
    const open = Array.from({ length: 20 }, () => [...slowOnes(own), opened("", own.port)]).flat();
    await expectServed(own);
    const begun = performance.now();
    await own[Symbol.asyncDispose]();
    expect(performance.now() - begun).toBeLessThan(DRAIN_MS + SERVED_MS);
    await waitUntil("the end of all", 30_000, () => open.every(({ seen }) => seen.endedMs !== undefined));
  });
});
