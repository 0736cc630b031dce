/** Bytes, frames and connections that make no sense at the gRPC edge (hostile-fixture.ts); what is held of them: hostile-memory.test.ts. */
import net from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { frame } from "../../harness/grpc-frames.ts";
import {
  BROKEN_FRAMES,
  type HostileBody,
  type HostileCall,
  NO_METHODS,
  NO_REQUESTS,
  OVERSIZE,
  paddedTo,
} from "./hostile-calls.ts";
import { CHECK, check, type HostileTarget, honest, startHostileTarget } from "./hostile-fixture.ts";
import { SOFT_LIMIT, token } from "./lone-decision.ts";

let target: HostileTarget;
beforeAll(async () => {
  target = await startHostileTarget("hostile-input");
});
afterAll(() => target[Symbol.asyncDispose]());
afterEach(() => target.expectServing());

describe("bytes that are no CheckRequest are denied", () => {
  test.each([...NO_REQUESTS])("%s", async (_what, expected, call) => {
    expect(await outcome(call())).toBe(expected);
  });

  test("an honest check cut off anywhere", async () => {
    const whole = honest();
    for (let length = 0; length < whole.length; length += 7) {
      expect(await target.outcome(frame(whole.subarray(0, length)))).toMatch(/^400 /);
    }
  });

  test("an honest check with any one byte of its token changed", async () => {
    const text = token();
    const whole = check("/orders/42", [`Bearer ${text}`]);
    const begin = whole.indexOf(text);
    const within = fc.integer({ min: begin, max: begin + text.length - 1 });
    const changes = fc.tuple(within, fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(changes, async ([at, xor]) => {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ xor;
        expect(await target.outcome(frame(changed))).toMatch(/^(400|401) /);
      }),
      { numRuns: 200 },
    );
  });

  test("random bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
        expect(await target.outcome(frame(bytes))).toMatch(/^(400|401|403) /);
      }),
      { numRuns: 300 },
    );
  });
});

describe("calls that are none are gRPC errors", () => {
  test.each([
    ...BROKEN_FRAMES,
    ...NO_METHODS,
    [
      "a timeout that is no time",
      "grpc INTERNAL",
      () => ({ body: frame(honest()), headers: { "grpc-timeout": "soon" } }),
    ],
    ["GET", "grpc UNIMPLEMENTED", () => ({ body: Buffer.alloc(0), headers: { ":method": "GET" } })],
  ] satisfies readonly HostileCall[])("%s: %s", async (_what, expected, call) => {
    expect(await outcome(call())).toBe(expected);
  });

  test("JSON is 415, a path without a slash and a stream that is given up are not answered", async () => {
    expect(await target.outcome(Buffer.from("{}"), { headers: { "content-type": "application/json" } })).toBe("415");
    expect(await target.outcome(frame(honest()), { path: CHECK.slice(1) })).toBe("none");
    expect(await target.outcome(frame(honest()), { after: "reset" })).toBe("none");
  });

  test("a deadline that has passed is denied in so many words, or DEADLINE_EXCEEDED where the call took that long to arrive", async () => {
    const late = () => target.outcome(frame(honest()), { headers: { "grpc-timeout": "1n" } });
    const outcomes = await Promise.all(Array.from({ length: 20 }, late));
    expect(outcomes.filter((one) => one !== "grpc DEADLINE_EXCEEDED" && one !== "503 deadline_exceeded")).toEqual([]);
  });

  test("bytes that are no HTTP/2, and connections given up halfway", async () => {
    const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    const junk = [
      Buffer.from("GET / HTTP/1.1\r\nhost: x\r\n\r\n"),
      Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]), // a TLS ClientHello
      Buffer.concat([preface, Buffer.alloc(4_096, 0xff)]),
      Buffer.concat([preface, Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]), Buffer.from([0xff])]),
      Buffer.alloc(65_536, 0x41),
    ];
    for (const bytes of junk) await sendAndHangUp(bytes);
  });

  test("200 streams opened and reset at once are not answered, and 200 garbage calls beside them are denied", async () => {
    const calls = Array.from({ length: 400 }, (_, at) =>
      target.outcome(frame(at % 2 ? honest() : Buffer.alloc(50_000, 0xff)), { after: at % 2 === 1 ? "reset" : "end" }),
    );
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["none", "400 request_parse_error"]));
  });
});

describe("messages that are too large are denied, and refused where they are far too large", () => {
  test.each([...OVERSIZE])("%s: %s", async (_what, expected, call) => {
    expect(await outcome(call())).toBe(expected);
  });

  test("by nothing else: the largest that may be is allowed", async () => {
    expect(await outcome({ body: frame(paddedTo(SOFT_LIMIT)) })).toBe("allow");
  });
});

const outcome = ({ body, ...call }: HostileBody) => target.outcome(body, call);

function sendAndHangUp(bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(target.port, "127.0.0.1", () => socket.end(bytes));
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.resume();
  });
}
