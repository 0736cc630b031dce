/**
 * gRPC as bytes over HTTP/2: for calls that no client library would make. One connection per call; resolves with what came
 * back before the stream or the connection ended, whoever ended it.
 */
import { connect, type OutgoingHttpHeaders } from "node:http2";

export type FrameAnswer = {
  /** Undefined when no answer came before the end. */
  readonly httpStatus: number | undefined;
  /** `grpc-status` from trailers, or from headers where there is nothing else. */
  readonly grpcStatus: string | undefined;
  /** The message of the first frame, when it came whole. */
  readonly message: Buffer | undefined;
};

export type FrameCall = {
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Buffer;
  /** Reset the stream after the body in place of ending it. */
  readonly reset?: boolean;
};

/** A length-prefixed message; `length` and `flag` may lie. */
export function frame(message: Uint8Array, { length = message.length, flag = 0 } = {}): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flag, 0);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

export function sendFrames(port: number, { path, headers = {}, body = Buffer.alloc(0), reset = false }: FrameCall) {
  return new Promise<FrameAnswer>((resolve) => {
    const session = connect(`http://127.0.0.1:${port}`);
    const chunks: Buffer[] = [];
    let httpStatus: number | undefined;
    let grpcStatus: string | undefined;
    const note = (received: Readonly<Record<string, unknown>>) => {
      if (typeof received[":status"] === "number") httpStatus = received[":status"];
      if (typeof received["grpc-status"] === "string") grpcStatus = received["grpc-status"];
    };
    session.on("error", () => {});
    session.on("close", () => resolve({ httpStatus, grpcStatus, message: messageIn(Buffer.concat(chunks)) }));
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    stream.setTimeout(10_000, () => session.destroy(new Error("no answer within 10 s")));
    stream.on("error", () => {});
    stream.on("response", note);
    stream.on("trailers", note);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("close", () => session.destroy());
    if (reset) stream.write(body, () => stream.close(8));
    else stream.end(body);
  });
}

function messageIn(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 5) return undefined;
  const end = 5 + bytes.readUInt32BE(1);
  return bytes.length < end ? undefined : bytes.subarray(5, end);
}
