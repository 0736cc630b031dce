/**
 * What is sent on a stream: one message and then OK in the trailers, or a failure, which needs no message. Nothing is written to a closed stream:
 * the caller has gone.
 */
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { type Failure, INTERNAL, statusOf } from "./failure.ts";
import { framed } from "./message.ts";
import { ACCEPTED } from "./unpack.ts";

const CONTENT_TYPE = "application/grpc";
/** As names and values in turn: Node takes them as they are and copies nothing. */
const HEADERS = [":status", "200", "content-type", CONTENT_TYPE, "grpc-accept-encoding", ACCEPTED] as const;
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false } as const;
const ALONE = { endStream: true, sendDate: false } as const;
const OK = { "grpc-status": "0" } as const;

/** NB: the only place that says OK, and only behind a message. */
export function answerMessage(stream: ServerHttp2Stream, message: Uint8Array): void {
  if (isGone(stream)) return;
  stream.respond(HEADERS, WITH_TRAILERS);
  stream.on("wantTrailers", () => stream.sendTrailers(OK));
  stream.end(framed(message));
}

export function answerFailure(stream: ServerHttp2Stream, failure: Failure): void {
  answerAlone(stream, {
    ...{ ":status": 200, "content-type": CONTENT_TYPE, "grpc-accept-encoding": ACCEPTED },
    ...failure.metadata,
    ...statusOf(failure),
  });
}

/** For what is no gRPC. */
export function answerHttpStatus(stream: ServerHttp2Stream, httpStatus: number): void {
  answerAlone(stream, { ":status": httpStatus });
}

/** Messages as they come up, until the caller goes or it is ended. */
export type Telling = { tell(message: Uint8Array): void; end(failure: Failure): void };

export function openTelling(stream: ServerHttp2Stream): Telling {
  let ending: Failure | undefined;
  if (!isGone(stream)) {
    stream.respond(HEADERS, WITH_TRAILERS);
    stream.on("wantTrailers", () => stream.sendTrailers(statusOf(ending ?? INTERNAL)));
  }
  return {
    tell(message) {
      if (!isGone(stream) && ending === undefined) stream.write(framed(message));
    },
    end(failure) {
      if (isGone(stream) || ending !== undefined) return;
      ending = failure;
      stream.end();
    },
  };
}

function answerAlone(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  if (isGone(stream) || stream.headersSent) return;
  stream.respond(headers, ALONE);
  // What the caller still sends is for nobody.
  if (!stream.readableEnded) stream.resume().close(constants.NGHTTP2_NO_ERROR);
}

function isGone(stream: ServerHttp2Stream): boolean {
  return stream.closed || stream.destroyed;
}
