/** gRPC as bytes over HTTP/2: for calls that no client library would make. */
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from "node:http2";

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
  /** What is done with the stream after the body; it is ended unless given. NB: node:http2 may end it before it resets it. */
  readonly after?: "end" | "reset" | "nothing";
};

/** A length-prefixed message; `length` and `flag` may lie. */
export function frame(message: Uint8Array, { length = message.length, flag = 0 } = {}): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flag, 0);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

/** On a connection of its own, which is gone when this resolves. */
export async function sendFrames(port: number, call: FrameCall): Promise<FrameAnswer> {
  const session = openFrames(port);
  const closed = new Promise<void>((resolve) => session.on("close", resolve));
  const answer = await callOn(session, call);
  session.destroy();
  await closed;
  return answer;
}

/** A connection for many calls. Its faults end the calls on it and are told nobody. */
export function openFrames(port: number): ClientHttp2Session {
  return connect(`http://127.0.0.1:${port}`).on("error", () => {});
}

/** Resolves with what came back before the stream or the connection ended, whoever ended it. */
export function callOn(
  session: ClientHttp2Session,
  { path, headers = {}, body = Buffer.alloc(0), after = "end" }: FrameCall,
): Promise<FrameAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let httpStatus: number | undefined;
    let grpcStatus: string | undefined;
    const note = (received: Readonly<Record<string, unknown>>) => {
      if (typeof received[":status"] === "number") httpStatus = received[":status"];
      if (typeof received["grpc-status"] === "string") grpcStatus = received["grpc-status"];
    };
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
    stream.on("close", () => resolve({ httpStatus, grpcStatus, message: messageIn(Buffer.concat(chunks)) }));
    if (after === "end") stream.end(body);
    else stream.write(body, () => after === "reset" && stream.close(constants.NGHTTP2_CANCEL));
  });
}

function messageIn(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 5) return undefined;
  const end = 5 + bytes.readUInt32BE(1);
  return bytes.length < end ? undefined : bytes.subarray(5, end);
}
