/** The server over real sockets, asked by hand-made frames and by streams that no client library would open. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import net from "node:net";
import { gzipSync } from "node:zlib";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { frame, type FrameCall, sendFrames } from "../../../test/harness/grpc-frames.ts";
import { waitUntil } from "../../programs/wait-until.ts";
import type { Serving, Terms } from "../terms.ts";
import type { Failure } from "./failure.ts";
import { startHttp2Server } from "./server.ts";

const PATH = "/test.v1.Echo/Say";
const MAX_BYTES = 10_000;
/** Of a call that states none. */
const DEADLINE_MS = 5_000;
const HELLO = Buffer.from("hello");

type Say = (message: Buffer, terms: Terms) => Promise<Uint8Array | Failure>;
const echo: Say = (message) => Promise.resolve(message);

let server: Serving;
let say: Say;
let asked: Terms[];
let faults: unknown[];
/** How far the clock of the server is ahead. */
let aheadMs: number;
const open: (() => void)[] = [];

beforeEach(async () => {
  [say, asked, faults, aheadMs] = [echo, [], [], 0];
  const answer: Say = (message, terms) => {
    asked.push(terms);
    return say(message, terms);
  };
  server = await startHttp2Server(
    { monotonicMs: () => performance.now() + aheadMs, onFault: (error) => faults.push(error) },
    new Map([[PATH, { kind: "unary", answer }]]),
    {
      ...{ host: "127.0.0.1", port: 0, tls: undefined, drainMs: 300, service: "test.v1.Echo" },
      ...{ maxReceiveBytes: MAX_BYTES, maxInFlight: 4, deadlineMs: DEADLINE_MS },
    },
  );
});
afterEach(async () => {
  [say, aheadMs] = [echo, 0];
  expect(await said({ body: frame(HELLO) })).toBe("hello");
  for (const close of open.splice(0)) close();
  await server[Symbol.asyncDispose]();
});

/** The message of the answer, else the status. */
async function said(call: Partial<FrameCall>): Promise<string> {
  const { httpStatus, grpcStatus, message } = await sendFrames(server.port, { path: PATH, ...call });
  if (message !== undefined && grpcStatus === "0") return message.toString();
  return grpcStatus === undefined ? String(httpStatus) : (status[Number(grpcStatus)] ?? "?");
}

async function connected(): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${server.port}`);
  session.on("error", () => {});
  open.push(() => session.destroy());
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  return session;
}

function opened(session: ClientHttp2Session): ClientHttp2Stream {
  const stream = session.request({ ":method": "POST", ":path": PATH, "content-type": "application/grpc" });
  return stream.on("error", () => {}).resume();
}

const statusOf = (stream: ClientHttp2Stream) =>
  new Promise<string | undefined>((resolve) => {
    let seen: string | undefined;
    const note = (headers: Readonly<Record<string, unknown>>) => {
      if (headers["grpc-status"] !== undefined) seen = status[Number(headers["grpc-status"])];
    };
    stream
      .on("response", note)
      .on("trailers", note)
      .on("close", () => resolve(seen));
  });

describe("what is no call reaches no method", () => {
  afterEach(() => expect(asked).toEqual([]));

  test.each(["application/json", "application/grpc-web", "application/grpcx", ""])("of %j: 415", async (type) => {
    expect(await said({ headers: { "content-type": type }, body: frame(HELLO) })).toBe("415");
  });

  test.each<[string, string, Partial<FrameCall>]>([
    ["another method", "UNIMPLEMENTED", { path: "/test.v1.Echo/Shout" }],
    ["a name of every object", "UNIMPLEMENTED", { path: "/constructor" }],
    ["GET", "UNIMPLEMENTED", { headers: { ":method": "GET" } }],
    ["two messages", "UNIMPLEMENTED", { body: Buffer.concat([frame(HELLO), frame(HELLO)]) }],
    ["a message beyond the limit", "RESOURCE_EXHAUSTED", { body: frame(Buffer.alloc(MAX_BYTES + 1)) }],
    ["compressed by no encoding", "INTERNAL", { body: frame(HELLO, { flag: 1 }) }],
    ["two timeouts", "INTERNAL", { body: frame(HELLO), headers: { "grpc-timeout": ["1S", "2S"] } }],
  ])("%s: %s", async (_what, code, call) => {
    expect(await said(call)).toBe(code);
  });

  test("a message beyond the limit is refused by its prefix alone, while the caller would go on sending", async () => {
    const stream = opened(await connected());
    const answer = statusOf(stream);
    stream.write(frame(Buffer.alloc(0), { length: MAX_BYTES + 1 }));
    expect(await answer).toBe("RESOURCE_EXHAUSTED");
  });

  test("a message that does not come on is given up in the end", async () => {
    const session = await connected();
    const stream = opened(session);
    const answer = statusOf(stream);
    stream.write(frame(HELLO).subarray(0, 3));
    expect(await statusOf(opened(session).end())).toBe("UNIMPLEMENTED"); // so the first has been seen
    aheadMs = 11_000;
    expect(await answer).toBe("DEADLINE_EXCEEDED");
  });

  test("random bytes behind the preface, and instead of it", async () => {
    const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    const bytes = fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 200 }));
    await fc.assert(
      fc.asyncProperty(bytes, ([withPreface, junk]) => sendAndHangUp(withPreface ? [preface, junk] : [junk])),
      { numRuns: 100 },
    );
  });
});

function sendAndHangUp(parts: readonly Uint8Array[]): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(server.port, "127.0.0.1", () => socket.end(Buffer.concat(parts)));
    socket.on("error", () => {}).on("close", () => resolve());
    socket.resume();
  });
}

describe("a method", () => {
  test.each(["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"])(
    "is asked in %s",
    async (type) => {
      expect(await said({ headers: { "content-type": type }, body: frame(HELLO) })).toBe("hello");
    },
  );

  test("gets what was packed, unpacked", async () => {
    const body = frame(gzipSync(HELLO), { flag: 1 });
    expect(await said({ body, headers: { "grpc-encoding": "gzip" } })).toBe("hello");
  });

  test("knows how long it has, by the earlier of two deadlines, and the caller's span", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await said({ body: frame(HELLO), headers: { "grpc-timeout": "500m", traceparent } });
    await said({ body: frame(HELLO), headers: { "grpc-timeout": "1n" } });
    await said({ body: frame(HELLO) });
    expect(asked[0]).toMatchObject({ traceparent, shed: false });
    expect(asked[0]?.leftMs).toBeLessThanOrEqual(480);
    expect(asked[1]?.leftMs ?? 0).toBeLessThan(0);
    expect(asked[1]?.shed).toBe(false); // late from the outset, whoever else is there
    expect(asked[2]).toMatchObject({ traceparent: undefined });
    // All of it, but for what it took to come here.
    expect(asked[2]?.leftMs).toBeLessThanOrEqual(DEADLINE_MS);
    expect(asked[2]?.leftMs).toBeGreaterThan(DEADLINE_MS / 2);
  });

  test.each<[string, Say]>([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
    ],
    ["rejects", () => Promise.reject(new Error("secret"))],
    ["fails with OK, which is no failure", () => Promise.resolve({ code: status.OK, message: "yes" })],
  ])("that %s is INTERNAL, never OK", async (_what, wrong) => {
    say = wrong;
    expect(await said({ body: frame(HELLO) })).toBe("INTERNAL");
  });

  test("that does not answer in the caller's time is DEADLINE_EXCEEDED, and what it says later is for nobody", async () => {
    const gate = Promise.withResolvers<Uint8Array>();
    say = () => gate.promise;
    expect(await said({ body: frame(HELLO), headers: { "grpc-timeout": "50m" } })).toBe("DEADLINE_EXCEEDED");
    gate.resolve(HELLO);
    expect(faults).toEqual([]);
  });

  test("counts as under way until it has answered, also when the caller has gone; beyond the limit calls are to be shed", async () => {
    const gate = Promise.withResolvers<Uint8Array>();
    say = () => gate.promise;
    const session = await connected();
    const gone = Array.from({ length: 4 }, () => opened(session).end(frame(HELLO)));
    await waitUntil("all to be asked", 20_000, () => asked.length === 4);
    for (const stream of gone) stream.close(constants.NGHTTP2_CANCEL);
    say = echo;
    await said({ body: frame(HELLO) });
    expect(asked.at(-1)?.shed).toBe(true);
    gate.resolve(HELLO);
    await waitUntil("none to be under way", 20_000, async () => {
      await said({ body: frame(HELLO) });
      return asked.at(-1)?.shed === false;
    });
  });
});

describe("a connection", () => {
  test("has room for many messages, and says how many calls it takes", async () => {
    const session = await connected();
    expect(session.remoteSettings).toMatchObject({ maxConcurrentStreams: 8, initialWindowSize: 1024 * 1024 });
    await waitUntil("the window", 20_000, () => (session.state.remoteWindowSize ?? 0) >= 1024 * 1024);
  });

  test("whose caller opens and resets streams without end is ended before it makes much work", async () => {
    const session = await connected();
    const ended = new Promise((resolve) => session.once("close", resolve));
    let resets = 0;
    const flood = () => {
      for (let at = 0; at < 8 && !session.destroyed; at += 1, resets += 1) {
        const stream = opened(session);
        stream.end(frame(HELLO), () => stream.close(constants.NGHTTP2_CANCEL));
      }
      if (!session.destroyed && !session.closed && resets < 50_000) setImmediate(flood);
    };
    flood();
    await ended;
    expect(resets).toBeLessThan(50_000);
    expect(asked.length).toBeLessThan(2_000); // the burst that is allowed, and little more
  }, 20_000);
});
