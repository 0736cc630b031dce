/** Decompresses messages (gzip or deflate), never to more than a message may have. */
import { gunzip, inflate, type InputType, type ZlibOptions } from "node:zlib";
import { status } from "@grpc/grpc-js";
import type { Failure } from "./failure.ts";

/** What `grpc-accept-encoding` says. */
export const ACCEPTED = "identity,deflate,gzip";

type Unpack = (packed: InputType, options: ZlibOptions, done: (error: Error | null, whole: Buffer) => void) => void;

const UNPACK: ReadonlyMap<string, Unpack> = new Map([
  ["gzip", gunzip],
  ["deflate", inflate],
]);

/** Never rejects. */
export function unpacked(packed: Buffer, encoding: string, maxBytes: number): Promise<Buffer | Failure> {
  const unpack = UNPACK.get(encoding);
  if (unpack === undefined) return Promise.resolve(encoding === "identity" ? NOT_PACKED : UNKNOWN);
  return new Promise((resolve) => {
    unpack(packed, { maxOutputLength: maxBytes }, (error, whole) => {
      if (error === null) resolve(whole);
      else resolve("code" in error && error.code === "ERR_BUFFER_TOO_LARGE" ? TOO_LARGE : GARBAGE);
    });
  });
}

const NOT_PACKED: Failure = { code: status.INTERNAL, message: "the message is compressed, by no encoding" };
const UNKNOWN: Failure = { code: status.UNIMPLEMENTED, message: `the message's encoding is none of ${ACCEPTED}` };
const TOO_LARGE: Failure = { code: status.RESOURCE_EXHAUSTED, message: "the message unpacks to more than is received" };
const GARBAGE: Failure = { code: status.INTERNAL, message: "the message cannot be unpacked" };
