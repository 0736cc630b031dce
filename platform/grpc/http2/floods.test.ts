/**
 * Frames that cost their sender nothing (the floods of CVE-2019-9512 to 9518, of CONTINUATION, and resets that the server is made to send): the
 * connection is ended, or they make no work; whoever calls on another one is served meanwhile.
 */
import { connect, type Socket } from "node:net";
import { setTimeout as after } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { frame, sendFrames } from "../../../test/harness/grpc-frames.ts";
import {
  callOf,
  END_HEADERS,
  END_STREAM,
  field,
  FRAME,
  h2,
  idOf,
  PREFACE,
  text,
} from "../../../test/harness/http2-frames.ts";
import { waitUntil } from "../../programs/wait-until.ts";
import type { Serving } from "../terms.ts";
import { startHttp2Server } from "./server.ts";

const PATH = "/test.v1.Echo/Say";
/** Of one turn. */
const AT_ONCE = 200;
const MOST = 100_000;
/** Beside a flood in the same process, on a machine that others use too. */
const SERVED_MS = 8_000;

let server: Serving;
let asked = 0;
const sockets: Socket[] = [];

beforeEach(async () => {
  asked = 0;
  server = await startHttp2Server(
    { monotonicMs: () => performance.now(), onFault: () => {} },
    new Map([
      [
        PATH,
        {
          kind: "unary",
          async answer(message) {
            asked += 1;
            return message;
          },
        },
      ],
    ]),
    {
      ...{ host: "127.0.0.1", port: 0, tls: undefined, drainMs: 300, service: "test.v1.Echo" },
      ...{ maxReceiveBytes: 4_096, maxInFlight: 8, deadlineMs: 10_000 },
    },
  );
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server[Symbol.asyncDispose]();
});

const CALL = callOf(PATH);
const NOTHING_ADDED = Buffer.alloc(4);

type Flood = { readonly first?: Buffer; readonly next: (at: number) => Buffer; readonly reads?: boolean };

/** Goes on until the connection ends, or it has sent enough. Says how many. */
async function flood({
  first = Buffer.alloc(0),
  next,
  reads = false,
}: Flood): Promise<{ sent: number; ended: boolean }> {
  const socket = connect(server.port, "127.0.0.1");
  sockets.push(socket);
  let ended = false;
  let wake = (): void => {};
  socket
    .on("error", () => {})
    .on("drain", () => wake())
    .on("close", () => {
      ended = true;
      wake();
    });
  if (reads) socket.resume();
  socket.write(Buffer.concat([PREFACE, h2(FRAME.settings, 0, 0), first]));
  let sent = 0;
  while (!ended && sent < MOST) {
    const frames = Array.from({ length: AT_ONCE }, (_, at) => next(sent + at));
    sent += frames.length;
    const isTaken = socket.write(Buffer.concat(frames));
    // Where the server takes no more, it has to end it: nobody else would.
    if (!isTaken) await Promise.race([new Promise<void>((resolve) => (wake = resolve)), after(20)]);
    else await after(0);
    if (socket.writableLength > 4 * 1024 * 1024) break;
  }
  return { sent, ended };
}

async function expectServed(): Promise<void> {
  const begun = performance.now();
  const { message } = await sendFrames(server.port, { path: PATH, body: frame(Buffer.from("hello")) });
  expect(message?.toString()).toBe("hello");
  expect(performance.now() - begun).toBeLessThan(SERVED_MS);
}

test.each<[string, Flood]>([
  [
    "CONTINUATION without end",
    { first: h2(FRAME.headers, 0, 1, CALL), next: () => h2(FRAME.continuation, 0, 1, field("x-a", "b")) },
  ],
  [
    "empty CONTINUATION without end",
    { first: h2(FRAME.headers, 0, 1, CALL), next: () => h2(FRAME.continuation, 0, 1) },
  ],
  ["PING, and no answer is read", { next: () => h2(FRAME.ping, 0, 0, Buffer.alloc(8)) }],
  ["SETTINGS, and no answer is read", { next: () => h2(FRAME.settings, 0, 0, Buffer.from([0, 3, 0, 0, 0, 1])) }],
  ["empty DATA", { first: h2(FRAME.headers, END_HEADERS, 1, CALL), next: () => h2(FRAME.data, 0, 1) }],
  ["windows that grow by nothing", { next: () => h2(FRAME.windowUpdate, 0, 0, NOTHING_ADDED), reads: true }],
  [
    "calls that the server is made to reset",
    {
      reads: true,
      next: (at) =>
        Buffer.concat([
          h2(FRAME.headers, END_HEADERS, idOf(at), CALL),
          h2(FRAME.data, END_STREAM, idOf(at), frame(Buffer.from("hello"))),
          h2(FRAME.windowUpdate, 0, idOf(at), NOTHING_ADDED),
        ]),
    },
  ],
])(
  "%s: the connection is ended, and others are served",
  async (_what, frames) => {
    const flooding = flood(frames);
    await expectServed();
    const { sent } = await flooding;
    await waitUntil("the end of the connection", 20_000, () => sockets[0]?.destroyed === true);
    expect(sent).toBeLessThan(MOST);
    await expectServed();
    expect(asked).toBeLessThan(5_000);
  },
  60_000,
);

test.each<[string, Flood]>([
  ["PRIORITY", { next: (at) => h2(FRAME.priority, 0, idOf(at % 1_000), Buffer.from([0, 0, 0, 0, 1])), reads: true }],
  ["PING, and answers are read", { next: () => h2(FRAME.ping, 0, 0, Buffer.alloc(8)), reads: true }],
  [
    "heads of a megabyte, each of one byte",
    {
      reads: true,
      first: h2(
        FRAME.headers,
        END_HEADERS | END_STREAM,
        1,
        Buffer.concat([CALL, Buffer.from([0x40]), text("x"), text("y".repeat(120))]),
      ),
      next: (at) =>
        h2(FRAME.headers, END_HEADERS | END_STREAM, idOf(at + 1), Buffer.concat([CALL, Buffer.alloc(8_000, 0xbe)])),
    },
  ],
])(
  "%s: others are served",
  async (_what, frames) => {
    const flooding = flood(frames);
    for (let call = 0; call < 5; call += 1) await expectServed();
    await flooding;
    await expectServed();
    expect(asked).toBe(6);
  },
  60_000,
);
