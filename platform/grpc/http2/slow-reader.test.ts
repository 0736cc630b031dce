/** Clients that ask and do not read what they are answered: flow control with a window of nothing, over real sockets. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { frame, sendFrames } from "../../../test/harness/grpc-frames.ts";
import { waitUntil } from "../../programs/wait-until.ts";
import { maxStreams, type Serving, type Terms } from "../terms.ts";
import { startHttp2Server } from "./server.ts";

const PATH = "/test.v1.Echo/Say";
const [SLOW, QUICK] = [Buffer.from("slow"), Buffer.from("quick")];
const CALLS = 100;
const DRAIN_MS = 300;
const LIMITS = { maxReceiveBytes: 10_000, maxInFlight: 4, deadlineMs: 10_000 };
/** What one connection may make the server hold. */
const MOST_HELD = maxStreams(LIMITS);

let server: Serving;
let session: ClientHttp2Session;
let streams: readonly ClientHttp2Stream[];
let asked: { readonly message: string; readonly terms: Terms }[];
let answeredBytes: number;
let faults: unknown[];
const slowOnes = () => asked.filter(({ message }) => message === "slow").length;

beforeEach(async () => {
  [asked, answeredBytes, faults] = [[], 0, []];
  server = await startHttp2Server(
    { monotonicMs: () => performance.now(), onFault: (error) => faults.push(error) },
    new Map([
      [
        PATH,
        {
          kind: "unary",
          answer(message, terms) {
            asked.push({ message: message.toString(), terms });
            return Promise.resolve(Buffer.alloc(100_000, message));
          },
        },
      ],
    ]),
    { host: "127.0.0.1", port: 0, tls: undefined, drainMs: DRAIN_MS, service: "test.v1.Echo", ...LIMITS },
  );
  session = connect(`http://127.0.0.1:${server.port}`, { settings: { initialWindowSize: 0 } });
  session.on("error", () => {});
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  streams = Array.from({ length: CALLS }, () => {
    const stream = session.request({ ":method": "POST", ":path": PATH, "content-type": "application/grpc" });
    stream.on("error", () => {}).on("data", (chunk: Buffer) => (answeredBytes += chunk.length));
    return stream.end(frame(SLOW));
  });
  await waitUntil("as many to be asked as may be", 20_000, () => slowOnes() === MOST_HELD);
});
afterEach(async () => {
  session.destroy();
  await server[Symbol.asyncDispose]();
  expect(faults).toEqual([]);
});

test("their answers wait, no more of them than a connection may have calls; others are served, and not shed", async () => {
  for (let call = 0; call < 20; call += 1) {
    const { grpcStatus, message } = await sendFrames(server.port, { path: PATH, body: frame(QUICK) });
    expect([grpcStatus, message?.length]).toEqual(["0", 100_000]);
  }
  expect(asked.filter(({ terms }) => terms.shed)).toEqual([]);
  expect({ asked: slowOnes(), answeredBytes }).toEqual({ asked: MOST_HELD, answeredBytes: 0 });
});

test("they have them all when they read in the end", async () => {
  session.settings({ initialWindowSize: 65_535 });
  await waitUntil("every answer", 30_000, () => answeredBytes === CALLS * (100_000 + 5));
  expect(slowOnes()).toBe(CALLS);
});

test("the end of the server does not wait for them longer than it may", async () => {
  const begun = performance.now();
  await server[Symbol.asyncDispose]();
  expect(performance.now() - begun).toBeLessThan(DRAIN_MS + 5_000);
  await waitUntil("the connection to be cut", 20_000, () => session.destroyed);
  expect(streams.every(({ destroyed }) => destroyed)).toBe(true);
});
