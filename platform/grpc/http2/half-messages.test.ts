/** Half messages, however many are asked at once who sends them, do not keep a whole one waiting. */
import { type ClientHttp2Session, connect } from "node:http2";
import { status } from "@grpc/grpc-js";
import { afterEach, expect, test } from "@jest/globals";
import { frame } from "../../../test/harness/grpc-frames.ts";
import { waitUntil } from "../../programs/wait-until.ts";
import { startHttp2Server } from "./server.ts";

const PATH = "/test.v1.Echo/Say";
const HELLO = frame(Buffer.from("hello"));
/** For the asking of all of them a hundred turns are needed. */
const HALVES = 1_600;

const owned: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of owned.splice(0).toReversed()) await end();
});

function opens(session: ClientHttp2Session, body: Buffer, headers: object = {}) {
  const stream = session.request({ ":method": "POST", ":path": PATH, "content-type": "application/grpc", ...headers });
  stream.on("error", () => {}).resume();
  return { stream, written: new Promise((resolve) => stream.write(body, resolve)) };
}

test("a message that is whole begins before all the strangers are asked whose halves are due", async () => {
  let [nowMs, asked, before] = [0, 0, -1];
  const faults: unknown[] = [];
  let isDue = () => {};
  const server = await startHttp2Server(
    { monotonicMs: () => nowMs, onFault: (error) => faults.push(error) },
    new Map([
      [
        PATH,
        {
          kind: "unary",
          async answer(message) {
            before = asked;
            return message;
          },
          async refusal(peer) {
            asked += 1;
            if (asked === 1) isDue();
            if (peer.authorization().length > 0) return undefined;
            return { code: status.UNAUTHENTICATED, message: "who is it?" };
          },
        },
      ],
    ]),
    {
      ...{ host: "127.0.0.1", port: 0, tls: undefined, drainMs: 300, service: "test.v1.Echo" },
      ...{ maxReceiveBytes: 10_000, maxInFlight: HALVES, deadlineMs: 60_000 },
    },
  );
  owned.push(() => server[Symbol.asyncDispose]());
  const [strangers, caller] = [0, 1].map(() => {
    const session = connect(`http://127.0.0.1:${server.port}`).on("error", () => {});
    owned.push(() => session.destroy());
    return session;
  });
  if (strangers === undefined || caller === undefined) throw new Error("two sessions");
  const { stream, written } = opens(caller, HELLO.subarray(0, 7), { authorization: "Bearer a" });
  await written;
  await Promise.all(Array.from({ length: HALVES }, () => opens(strangers, HELLO.subarray(0, 7)).written));
  // Due with all the others, and whole when the first of them is asked.
  isDue = () => stream.end(HELLO.subarray(7));
  nowMs = 1_000;
  await waitUntil("all to be asked", 10_000, () => asked >= HALVES);
  await waitUntil("the answer", 10_000, () => before >= 0);
  expect(before).toBeLessThan(HALVES / 2);
  expect(faults).toEqual([]);
});
