/**
 * Reads the one message of a unary call from its stream: a prefix of five bytes (compressed or not, and the length), then the message
 * ("Length-Prefixed-Message" of the gRPC HTTP/2 protocol). Anything else is refused as soon as that is certain, so that nobody can make this
 * process hold more than one message may have, whatever the prefix says: RESOURCE_EXHAUSTED beyond the limit, UNIMPLEMENTED for no message, half
 * a message or more than one, INTERNAL for an invalid flag.
 */
import { status } from "@grpc/grpc-js";
import { appendChunk } from "../../append-chunk.ts";
import type { Failure } from "./failure.ts";

export const PREFIX_BYTES = 5;

type Message = { readonly bytes: Buffer; readonly isCompressed: boolean };

type MessageReader = {
  /** Undefined: go on. */
  take(chunk: Buffer): Failure | undefined;
  /** What it was, after the last chunk. */
  end(): Message | Failure;
};

export function createMessageReader(maxBytes: number): MessageReader {
  let held: Buffer | undefined;
  let heldBytes = 0;

  function take(chunk: Buffer): Failure | undefined {
    held = appendChunk(held, heldBytes, chunk);
    heldBytes += chunk.length;
    if (heldBytes < PREFIX_BYTES) return undefined;
    const length = held.readUInt32BE(1);
    if (length > maxBytes) return TOO_LARGE;
    return heldBytes > PREFIX_BYTES + length ? MORE_THAN_ONE : undefined;
  }

  return {
    take,
    end() {
      if (held === undefined || heldBytes < PREFIX_BYTES) return NONE;
      if (heldBytes !== PREFIX_BYTES + held.readUInt32BE(1)) return CUT_OFF;
      const flag = held[0];
      if (flag !== 0 && flag !== 1) return BAD_FLAG;
      return { bytes: held.subarray(PREFIX_BYTES, heldBytes), isCompressed: flag === 1 };
    },
  };
}

export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

const TOO_LARGE: Failure = { code: status.RESOURCE_EXHAUSTED, message: "the message is larger than may be received" };
const MORE_THAN_ONE: Failure = { code: status.UNIMPLEMENTED, message: "more than one message for a unary call" };
const NONE: Failure = { code: status.UNIMPLEMENTED, message: "no message for a unary call" };
const CUT_OFF: Failure = { code: status.UNIMPLEMENTED, message: "the message ends before its length" };
const BAD_FLAG: Failure = { code: status.INTERNAL, message: "the message is neither compressed nor not" };
