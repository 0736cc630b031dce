/**
 * Calls of the gRPC edge that are none, and messages that are no CheckRequest, each with what it comes to. All of them carry an honest check where
 * one fits in: it would be allowed, were it asked as it should be.
 */
import { gzipSync } from "node:zlib";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type FrameCall, frame } from "../../harness/grpc-frames.ts";
import { CHECK, honest } from "./hostile-fixture.ts";
import { SOFT_LIMIT } from "./lone-decision.ts";

export type HostileBody = Omit<FrameCall, "path"> & { readonly path?: string; readonly body: Buffer };
export type HostileCall = readonly [what: string, outcome: string, call: () => HostileBody];

const UNDECODABLE = "400 request_parse_error";

const message = (what: string, bytes: () => Buffer): HostileCall => [
  what,
  UNDECODABLE,
  () => ({ body: frame(bytes()) }),
];

export const NO_REQUESTS: readonly HostileCall[] = [
  message("none at all", () => Buffer.alloc(0)),
  message("no field", () => Buffer.from([0xff, 0xff, 0xff])),
  message("a field that is longer than the message", () => Buffer.from([0x0a, 0x7f, 0x01])),
  message("the number of a varint that never ends", () => Buffer.alloc(64, 0x80)),
  message("text", () => Buffer.from("GET / HTTP/1.1")),
  message("groups nested 10,000 deep", () => Buffer.alloc(10_000, 0x0b)),
];

export const BROKEN_FRAMES: readonly HostileCall[] = [
  ["a frame that ends before its length", "grpc UNIMPLEMENTED", () => ({ body: frame(honest(), { length: 5_000 }) })],
  ["half a frame's prefix", "grpc UNIMPLEMENTED", () => ({ body: Buffer.alloc(3) })],
  ["no frame", "grpc UNIMPLEMENTED", () => ({ body: Buffer.alloc(0) })],
  ["two frames", "grpc UNIMPLEMENTED", () => ({ body: Buffer.concat([frame(honest()), frame(honest())]) })],
  ["an encoding that nobody knows", "grpc UNIMPLEMENTED", () => compressed(honest(), "br")],
  ["bytes that do not unpack", "grpc INTERNAL", () => compressed(Buffer.from("garbage"), "gzip")],
];

/** The first is refused as a message, the others as calls. */
export const OVERSIZE: readonly HostileCall[] = [
  message("more than a message may have", () => paddedTo(SOFT_LIMIT + 1)),
  [
    "a frame of 4 GiB, as it says",
    "grpc RESOURCE_EXHAUSTED",
    () => ({ body: frame(honest(), { length: 2 ** 32 - 1 }) }),
  ],
  ["a frame beyond the hard limit", "grpc RESOURCE_EXHAUSTED", () => ({ body: frame(paddedTo(4 * SOFT_LIMIT + 1)) })],
  [
    "200 MiB packed into 200 KiB",
    "grpc RESOURCE_EXHAUSTED",
    () => compressed(gzipSync(Buffer.alloc(200 * 2 ** 20)), "gzip"),
  ],
];

export const NO_METHODS: readonly HostileCall[] = [
  ["another method", CHECK.replace(/Check$/, "Allow")],
  ["another version of the service", CHECK.replace("v3", "v2")],
  ["a path in other letters", CHECK.toLowerCase()],
  ["a path with two slashes", `/${CHECK}`],
  ["a service of one letter behind two slashes", "//S/Check"],
  ["a path into the prototype", "/__proto__/constructor"],
].map(([what = "", path = ""]) => [what, "grpc UNIMPLEMENTED", () => ({ body: frame(honest()), path })]);

/** An honest check of that many bytes, by a field that nobody knows. */
export function paddedTo(length: number): Buffer {
  const whole = honest();
  const field = new BinaryWriter().tag(1_000, WireType.LengthDelimited);
  // Its number takes two bytes, its length three.
  return Buffer.concat([whole, field.bytes(Buffer.alloc(length - whole.length - 5)).finish()]);
}

function compressed(bytes: Buffer, encoding: string): HostileBody {
  return { body: frame(bytes, { flag: 1 }), headers: { "grpc-encoding": encoding } };
}
