/**
 * One call, from the headers of its stream to its end: the message is received within its time, decompressed and handed to the method, and the
 * method's answer is written. What is not a valid call is refused before any method sees it. A caller that resets the stream gets nothing; a
 * method that has begun is not told, since its effect may have happened already.
 *
 * Load shows in two ways. Calls that wait for something else (a redemption) are in progress together, which `maxInFlight` bounds. Calls that need
 * only the processor rarely are, since they begin in turns: they wait before they begin, for at most half of their time (`MAX_WAIT_SHARE`). A
 * call beyond either bound begins as one to be shed, so that its method says so; a check is also recorded.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { status } from "@grpc/grpc-js";
import { firstTraceparent } from "../../traces/traceparent.ts";
import type { Turns } from "../../turns.ts";
import { type Peer, RETURN_MS, type Terms } from "../terms.ts";
import { answerFailure, answerMessage, openTelling, type Telling } from "./answer.ts";
import type { Deadlines } from "./deadlines.ts";
import { type Failure, INTERNAL } from "./failure.ts";
import { createMessageReader } from "./message.ts";
import { peerOf } from "./peer.ts";
import { timeoutMs } from "./timeout.ts";
import { unpacked } from "./unpack.ts";

/** For the message to be there, whatever later deadline the caller states: until then it holds memory and a stream, and is not yet a check. */
const RECEIVE_MS = 10_000;

/** Nearly every message is whole before; of what takes longer it is asked who sends it, so that nobody unknown has memory of ours for longer. */
const UNKNOWN_MS = 200;

/**
 * Of its time from the whole message to the answer, what a call may wait before it begins. Under lasting overload the wait stays at that, so
 * whatever begins has the other half, and whatever is shed is told in time. After a stall, however long, nothing is shed where the load is
 * below half of what the process can do: callers have given up what is older than a deadline, and what came in during one takes half of it.
 */
const MAX_WAIT_SHARE = 0.5;

type Unary = {
  readonly kind: "unary";
  answer(message: Buffer, terms: Terms, peer: Peer): Promise<Uint8Array | Failure>;
  /**
   * Of a caller whose message is not whole yet: why it will not be waited for. `answer` is asked in any case. Never rejects. `isGone`: as of `Terms`.
   */
  refusal?(peer: Peer, isGone: Terms["isGone"]): Promise<Failure | undefined>;
};

export type Method =
  | Unary
  /** Takes no time: behind none that wait, and not counted as under way. */
  | { readonly kind: "at once"; answer(message: Buffer): Uint8Array | Failure }
  /** Begins at once too, and answers what is to be called when the caller is gone. */
  | { readonly kind: "telling"; begin(message: Buffer, telling: Telling): () => void };

type CallDeps = {
  readonly deadlines: Deadlines;
  readonly monotonicMs: () => number;
  /** What a method threw; its caller is told INTERNAL. */
  readonly onFault: (error: unknown) => void;
  readonly load: Load;
  readonly turns: Turns;
  /** Of those who are asked who they are, and never of a whole message. */
  readonly turnsOfAsked: Turns;
};

/** Calls of unary methods under way, of all connections. */
type Load = { inFlight: number };

type CallLimits = {
  readonly maxReceiveBytes: number;
  readonly maxInFlight: number;
  readonly deadlineMs: number;
};

/** What a stream began with. */
type Head = { readonly headers: IncomingHttpHeaders; readonly rawHeaders: readonly string[] };

export function takeCall(
  stream: ServerHttp2Stream,
  { headers, rawHeaders }: Head,
  method: Method,
  { deadlines, monotonicMs, onFault, load, turns, turnsOfAsked }: CallDeps,
  { maxReceiveBytes, maxInFlight, deadlineMs }: CallLimits,
): void {
  const statedMs = timeoutMs(headers["grpc-timeout"]);
  if (Number.isNaN(statedMs)) return answerFailure(stream, BAD_TIMEOUT);
  const arrivedMs = monotonicMs();
  const reader = createMessageReader(maxReceiveBytes);
  let fail = (failure: Failure): void => answerFailure(stream, failure);
  const late = (): void => fail(LATE);
  const due = { dueMs: arrivedMs + Math.min(statedMs, RECEIVE_MS), expire: late };
  if (method.kind === "unary" && method.refusal !== undefined) askAfterwards(method.refusal, due.dueMs);
  deadlines.add(due);

  stream.on("data", (chunk: Buffer) => {
    const refusal = reader.take(chunk);
    if (refusal !== undefined) refuse(refusal);
  });
  stream.on("end", () => {
    if (isOver()) return;
    due.dueMs = arrivedMs + statedMs;
    due.expire = late;
    const message = reader.end();
    if ("code" in message) return refuse(message);
    const wholeMs = monotonicMs();
    if (!message.isCompressed) return take(message.bytes, wholeMs);
    const encoding = headers["grpc-encoding"] ?? "identity";
    void unpacked(message.bytes, String(encoding), maxReceiveBytes).then((whole) =>
      "code" in whole ? refuse(whole) : take(whole, wholeMs),
    );
  });
  stream.on("close", () => deadlines.remove(due));

  /** Unless the message is whole by then. `receivedMs`: when it has to be for a caller who is known. */
  function askAfterwards(refusal: NonNullable<Unary["refusal"]>, receivedMs: number): void {
    due.dueMs = Math.min(receivedMs, arrivedMs + UNKNOWN_MS);
    due.expire = () => {
      due.dueMs = receivedMs;
      due.expire = late;
      deadlines.add(due);
      // NB: in turns, as calls are: those that came together are due together, and each costs more than its deadline does. In turns of their own, since half
      // messages are what anybody can send very many of, and no call is to wait for them.
      turnsOfAsked.take(() => {
        if (!isOver() && !stream.readableEnded) ask();
      });
    };
    const ask = (): void =>
      void refusal(peerOf(stream, rawHeaders), isOver).then((failure) => {
        if (failure !== undefined && !isOver()) refuse(failure);
      });
  }

  function isOver(): boolean {
    return stream.closed || stream.headersSent;
  }

  function refuse(refusal: Failure): void {
    deadlines.remove(due);
    stream.removeAllListeners("data");
    fail(refusal);
  }

  function take(message: Buffer, wholeMs: number): void {
    if (method.kind === "unary") return turns.take(() => run(method, message, wholeMs));
    if (isOver()) return;
    try {
      if (method.kind === "at once") return settle(method.answer(message));
      const telling = openTelling(stream);
      fail = telling.end;
      stream.on("close", method.begin(message, telling));
    } catch (error) {
      onFault(error);
      stream.destroy();
    }
  }

  function run(unary: Unary, message: Buffer, wholeMs: number): void {
    // NB: reset before it began, it is not begun: resetting streams in rapid succession must not make work.
    if (isOver()) return;
    const allMs = Math.min(deadlineMs, arrivedMs + statedMs - RETURN_MS - wholeMs);
    const waitedMs = monotonicMs() - wholeMs;
    const terms: Terms = {
      leftMs: allMs - waitedMs,
      // Without any time from the outset it is late and not one too many.
      shed: load.inFlight >= maxInFlight || (allMs > 0 && waitedMs > allMs * MAX_WAIT_SHARE),
      traceparent: firstTraceparent([headers["traceparent"]]),
      isGone: isOver,
    };
    load.inFlight += 1;
    const ended = (said: Uint8Array | Failure): void => {
      load.inFlight -= 1;
      settle(said);
    };
    answerOf(unary, message, terms, peerOf(stream, rawHeaders)).then(ended, (error: unknown) => {
      onFault(error);
      ended(INTERNAL);
    });
  }

  /** NB: whatever throws in here ends in a stream without an answer, never in an answer that was not meant. */
  function settle(said: Uint8Array | Failure): void {
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
async function answerOf(
  { answer }: Unary,
  ...call: readonly [message: Buffer, terms: Terms, peer: Peer]
): Promise<Uint8Array | Failure> {
  return answer(...call);
}

const BAD_TIMEOUT: Failure = { code: status.INTERNAL, message: "grpc-timeout is no time" };
const LATE: Failure = { code: status.DEADLINE_EXCEEDED, message: "the deadline of the call has passed" };
