/**
 * One call, from the headers of its stream to its end: the message whole within its time, unpacked, handed to the method, and what the method
 * says written back. What is no such call is refused before any method hears of it. A caller that resets the stream gets nothing; a method
 * that has begun is not told, since what it does may have been done already.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { status } from "@grpc/grpc-js";
import { firstTraceparent } from "../../traces/traceparent.ts";
import { RETURN_MS, type Terms } from "../terms.ts";
import { answerFailure, answerMessage, openTelling, type Telling } from "./answer.ts";
import type { Deadlines } from "./deadlines.ts";
import { type Failure, INTERNAL } from "./failure.ts";
import { createMessageReader } from "./message.ts";
import { timeoutMs } from "./timeout.ts";
import type { Turns } from "./turns.ts";
import { unpacked } from "./unpack.ts";

/** For the message to be there, whatever later deadline the caller states: until then it holds memory and a stream, and is not yet a check. */
const RECEIVE_MS = 10_000;

type Unary = { readonly kind: "unary"; answer(message: Buffer, terms: Terms): Promise<Uint8Array | Failure> };

export type Method =
  | Unary
  /** Answers what is to be called when the caller is gone. */
  | { readonly kind: "telling"; begin(message: Buffer, telling: Telling): () => void };

type CallDeps = {
  readonly deadlines: Deadlines;
  readonly monotonicMs: () => number;
  /** What a method threw; its caller is told INTERNAL. */
  readonly onFault: (error: unknown) => void;
  readonly load: Load;
  readonly turns: Turns;
};

/** Calls under way, of all connections. */
type Load = { inFlight: number };

type CallLimits = {
  readonly maxReceiveBytes: number;
  readonly maxInFlight: number;
  readonly deadlineMs: number;
};

export function takeCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  method: Method,
  { deadlines, monotonicMs, onFault, load, turns }: CallDeps,
  { maxReceiveBytes, maxInFlight, deadlineMs }: CallLimits,
): void {
  const statedMs = timeoutMs(headers["grpc-timeout"]);
  if (Number.isNaN(statedMs)) return answerFailure(stream, BAD_TIMEOUT);
  const begunMs = monotonicMs();
  const reader = createMessageReader(maxReceiveBytes);
  let fail = (failure: Failure): void => answerFailure(stream, failure);
  const due = { dueMs: begunMs + Math.min(statedMs, RECEIVE_MS), expire: () => fail(LATE) };
  deadlines.add(due);

  stream.on("data", (chunk: Buffer) => {
    const refusal = reader.take(chunk);
    if (refusal !== undefined) refuse(refusal);
  });
  stream.on("end", () => {
    if (isOver()) return;
    due.dueMs = begunMs + statedMs;
    const message = reader.end();
    if ("code" in message) return refuse(message);
    if (!message.isCompressed) return turns(() => run(message.bytes));
    const encoding = headers["grpc-encoding"] ?? "identity";
    void unpacked(message.bytes, String(encoding), maxReceiveBytes).then((whole) =>
      "code" in whole ? refuse(whole) : turns(() => run(whole)),
    );
  });
  stream.on("close", () => deadlines.remove(due));

  function isOver(): boolean {
    return stream.closed || stream.headersSent;
  }

  function refuse(refusal: Failure): void {
    deadlines.remove(due);
    stream.removeAllListeners("data");
    fail(refusal);
  }

  function run(message: Buffer): void {
    // NB: reset before it began, it is not begun: resetting streams in rapid succession must not make work.
    if (isOver()) return;
    if (method.kind === "telling") {
      const telling = openTelling(stream);
      fail = telling.end;
      stream.on("close", method.begin(message, telling));
      return;
    }
    const terms: Terms = {
      leftMs: Math.min(deadlineMs, begunMs + statedMs - RETURN_MS - monotonicMs()),
      shed: load.inFlight >= maxInFlight,
      traceparent: firstTraceparent([headers["traceparent"]]),
    };
    load.inFlight += 1;
    answerOf(method, message, terms).then(settle, (error: unknown) => {
      onFault(error);
      settle(INTERNAL);
    });
  }

  /** NB: whatever throws in here ends in a stream without an answer, never in an answer that was not meant. */
  function settle(said: Uint8Array | Failure): void {
    load.inFlight -= 1;
    deadlines.remove(due);
    try {
      if ("code" in said) fail(said);
      else if (!isOver()) answerMessage(stream, said);
    } catch (error) {
      onFault(error);
      stream.destroy();
    }
  }
}

/** Rejects with whatever the method throws, at once or later. */
async function answerOf({ answer }: Unary, message: Buffer, terms: Terms): Promise<Uint8Array | Failure> {
  return answer(message, terms);
}

const BAD_TIMEOUT: Failure = { code: status.INTERNAL, message: "grpc-timeout is no time" };
const LATE: Failure = { code: status.DEADLINE_EXCEEDED, message: "the deadline of the call has passed" };
