/** Callers who let their message be waited for: it is asked who they are before it is whole, and nothing is held for longer for who is unknown. */
import { type ClientHttp2Stream, connect } from "node:http2";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { frame, sendFrames } from "../../../test/harness/grpc-frames.ts";
import { waitUntil } from "../../programs/wait-until.ts";
import type { Serving } from "../terms.ts";
import { startHttp2Server } from "./server.ts";

const PATH = "/test.v1.Echo/Say";
const HELLO = frame(Buffer.from("hello"));
const KNOWN = { authorization: "Bearer a" };

let server: Serving;
let [asked, answered, aheadMs] = [0, 0, 0];
const faults: unknown[] = [];
const owned: (() => void)[] = [];

beforeEach(async () => {
  [asked, answered, aheadMs] = [0, 0, 0];
  server = await startHttp2Server(
    { monotonicMs: () => performance.now() + aheadMs, onFault: (error) => faults.push(error) },
    new Map([
      [
        PATH,
        {
          kind: "unary",
          async answer(message) {
            answered += 1;
            return message;
          },
          async refusal(peer) {
            asked += 1;
            return peer.authorization().length > 0
              ? undefined
              : { code: status.UNAUTHENTICATED, message: "who is it?" };
          },
        },
      ],
    ]),
    {
      ...{ host: "127.0.0.1", port: 0, tls: undefined, drainMs: 300, service: "test.v1.Echo" },
      ...{ maxReceiveBytes: 10_000, maxInFlight: 4, deadlineMs: 5_000 },
    },
  );
});
afterEach(async () => {
  for (const end of owned.splice(0)) end();
  await server[Symbol.asyncDispose]();
  expect(faults).toEqual([]);
});

/** Opens a stream and does not end it. */
function opens(headers: object, body: Buffer) {
  const session = connect(`http://127.0.0.1:${server.port}`).on("error", () => {});
  owned.push(() => session.destroy());
  const stream: ClientHttp2Stream = session.request({
    ...{ ":method": "POST", ":path": PATH, "content-type": "application/grpc", ...headers },
  });
  const statuses: unknown[] = [];
  for (const event of ["response", "trailers"]) {
    stream.on(event, (got: Record<string, unknown>) => {
      if (got["grpc-status"] !== undefined) statuses.push(Number(got["grpc-status"]));
    });
  }
  stream.on("error", () => {}).resume();
  const written = new Promise((resolve) => stream.write(body, resolve));
  return { stream, statuses, written };
}

test.each([
  ["half a message", HELLO.subarray(0, 7)],
  ["a whole one without an end", HELLO],
])("%s of somebody unknown is not waited for: UNAUTHENTICATED, and the stream is closed", async (_what, body) => {
  const { stream, statuses, written } = opens({}, body);
  await written;
  aheadMs = 1_000;
  await waitUntil("the end of the stream", 20_000, () => stream.closed);
  expect({ statuses, asked, answered }).toEqual({ statuses: [status.UNAUTHENTICATED], asked: 1, answered: 0 });
});

test("of somebody who is known it is waited for", async () => {
  const { stream, statuses, written } = opens(KNOWN, HELLO.subarray(0, 7));
  await written;
  aheadMs = 1_000;
  await waitUntil("the question who it is", 20_000, () => asked === 1);
  stream.end(HELLO.subarray(7));
  await waitUntil("the answer", 20_000, () => statuses.length > 0);
  expect({ statuses, asked, answered }).toEqual({ statuses: [status.OK], asked: 1, answered: 1 });
});

test("but not for ever, as before", async () => {
  const { statuses, written } = opens(KNOWN, HELLO.subarray(0, 7));
  await written;
  aheadMs = 1_000;
  await waitUntil("the question who it is", 20_000, () => asked === 1);
  aheadMs = 60_000;
  await waitUntil("the status", 20_000, () => statuses.length > 0);
  expect({ statuses, asked, answered }).toEqual({ statuses: [status.DEADLINE_EXCEEDED], asked: 1, answered: 0 });
});

test("nobody is asked twice whose message came at once", async () => {
  for (const headers of [{}, KNOWN]) {
    const { grpcStatus } = await sendFrames(server.port, { path: PATH, body: HELLO, headers });
    expect(grpcStatus).toBe("0");
  }
  expect({ asked, answered }).toEqual({ asked: 0, answered: 2 });
});
