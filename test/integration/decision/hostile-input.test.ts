/** Bytes, frames and connections that make no sense at the gRPC edge (hostile-fixture.ts). */
import net from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type FrameCall, frame } from "../../harness/grpc-frames.ts";
import { CHECK, check, type HostileTarget, honest, outcomeOf, startHostileTarget } from "./hostile-fixture.ts";
import { SOFT_LIMIT, token } from "./lone-decision.ts";

const MAX_HELD_BYTES = 512 * 1024 * 1024;

let target: HostileTarget;
beforeAll(async () => {
  target = await startHostileTarget("hostile-input");
});
afterAll(() => target[Symbol.asyncDispose]());
afterEach(() => target.expectServing());

describe("bytes that are no CheckRequest are denied", () => {
  test.each<[string, Buffer]>([
    ["none at all", Buffer.alloc(0)],
    ["no field", Buffer.from([0xff, 0xff, 0xff])],
    ["a field that is longer than the message", Buffer.from([0x0a, 0x7f, 0x01])],
    ["the number of a varint that never ends", Buffer.alloc(64, 0x80)],
    ["text", Buffer.from("GET / HTTP/1.1")],
    ["groups nested 10,000 deep", Buffer.alloc(10_000, 0x0b)],
    ["more than a message may have", Buffer.alloc(SOFT_LIMIT + 1)],
  ])("%s", async (_what, bytes) => {
    expect(await target.outcome(frame(bytes))).toBe("400 request_parse_error");
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
  test.each<[string, string, () => Partial<FrameCall> & { readonly body: Buffer }]>([
    ["a frame that ends before its length", "UNIMPLEMENTED", () => ({ body: frame(honest(), { length: 5_000 }) })],
    ["half a frame's prefix", "UNIMPLEMENTED", () => ({ body: Buffer.alloc(3) })],
    ["no frame", "UNIMPLEMENTED", () => ({ body: Buffer.alloc(0) })],
    ["two frames", "UNIMPLEMENTED", () => ({ body: Buffer.concat([frame(honest()), frame(honest())]) })],
    ["a frame of 4 GiB, as it says", "RESOURCE_EXHAUSTED", () => ({ body: frame(honest(), { length: 0xffff_ffff }) })],
    ["a frame beyond the hard limit", "RESOURCE_EXHAUSTED", () => ({ body: frame(Buffer.alloc(4 * SOFT_LIMIT + 1)) })],
    ["an encoding that nobody knows", "UNIMPLEMENTED", () => compressed(honest(), "br")],
    ["bytes that do not unpack", "INTERNAL", () => compressed(Buffer.from("garbage"), "gzip")],
    [
      "200 MiB packed into 200 KiB",
      "RESOURCE_EXHAUSTED",
      () => compressed(gzipSync(Buffer.alloc(200 * 2 ** 20)), "gzip"),
    ],
    ["a timeout that is no time", "INTERNAL", () => ({ body: frame(honest()), headers: { "grpc-timeout": "soon" } })],
    ["another method", "UNIMPLEMENTED", () => ({ body: frame(honest()), path: CHECK.replace(/Check$/, "Allow") })],
    [
      "another version of the service",
      "UNIMPLEMENTED",
      () => ({ body: frame(honest()), path: CHECK.replace("v3", "v2") }),
    ],
    ["a path in other letters", "UNIMPLEMENTED", () => ({ body: frame(honest()), path: CHECK.toLowerCase() })],
    ["a path with two slashes", "UNIMPLEMENTED", () => ({ body: frame(honest()), path: `/${CHECK}` })],
    ["a path into the prototype", "UNIMPLEMENTED", () => ({ body: frame(honest()), path: "/__proto__/constructor" })],
    ["GET", "UNIMPLEMENTED", () => ({ body: Buffer.alloc(0), headers: { ":method": "GET" } })],
  ])("%s: %s", async (_what, expected, call) => {
    const { body, ...rest } = call();
    expect(await target.outcome(body, rest)).toBe(`grpc ${expected}`);
  });

  test("JSON is 415, a path without a slash and a stream that is given up are not answered", async () => {
    expect(await target.outcome(Buffer.from("{}"), { headers: { "content-type": "application/json" } })).toBe("415");
    expect(await target.outcome(frame(honest()), { path: CHECK.slice(1) })).toBe("none");
    expect(await target.outcome(frame(honest()), { reset: true })).toBe("none");
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

  test("200 streams opened and reset at once, and 200 garbage calls, leave nothing behind", async () => {
    const before = await target.metric("process_resident_memory_bytes");
    const calls = Array.from({ length: 200 }, (_, at) =>
      target.ask(frame(at % 2 ? honest() : Buffer.alloc(50_000, 0xff)), { reset: at % 2 === 1 }),
    );
    const outcomes = (await Promise.all(calls)).map(outcomeOf);
    expect(new Set(outcomes)).toEqual(new Set(["none", "400 request_parse_error"]));
    expect((await target.metric("process_resident_memory_bytes")) - before).toBeLessThan(MAX_HELD_BYTES);
  });
});

function compressed(bytes: Buffer, encoding: string) {
  return { body: frame(bytes, { flag: 1 }), headers: { "grpc-encoding": encoding } };
}

function sendAndHangUp(bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(target.port, "127.0.0.1", () => socket.end(bytes));
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.resume();
  });
}
