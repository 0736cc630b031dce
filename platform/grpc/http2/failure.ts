/**
 * How a call ends without an answer, and how that is written: `grpc-status` and `grpc-message`, the latter percent-encoded ("Responses" of the
 * gRPC HTTP/2 protocol).
 */
import { status } from "@grpc/grpc-js";

export type Failure = {
  readonly code: number;
  /** Shown to the caller. */
  readonly message: string;
  /** What else it is told: names of our own, in lower case. */
  readonly metadata?: { readonly [name: `countersign-${string}`]: string };
};

export const INTERNAL: Failure = { code: status.INTERNAL, message: "something went wrong here" };
const OK: number = status.OK;
/** Before encoding: headers have a limit at the other end too. */
const MAX_MESSAGE_CHARACTERS = 2_000;
/** All but the printable ASCII characters, and the percent sign. */
const TO_ENCODE = /[^ -$&-~]/gu;

/** NB: OK without a message is no failure and would be an answer; whoever means that is wrong, and says INTERNAL. */
export function statusOf({ code, message }: Failure): { "grpc-status": string; "grpc-message": string } {
  if (code === OK || status[code] === undefined) return statusOf(INTERNAL);
  const shown = message.slice(0, MAX_MESSAGE_CHARACTERS).toWellFormed();
  return { "grpc-status": String(code), "grpc-message": shown.replace(TO_ENCODE, encodeURIComponent) };
}
