/** Frames of HTTP/2 (RFC 9113) as bytes, for connections that no client library would make. */
import { connect } from "node:net";

const HEAD_BYTES = 9;
export const FRAME = {
  ...({ data: 0, headers: 1, priority: 2, reset: 3, settings: 4, ping: 6, windowUpdate: 8, continuation: 9 } as const),
};
const ACK = 1;
export const [END_STREAM, END_HEADERS] = [1, 4] as const;
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export function h2(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Of a client's streams, from 0. */
export const idOf = (at: number) => 2 * at + 1;

/** Below 128 bytes. */
export const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
export const field = (name: string, value: string) => Buffer.concat([Buffer.from([0]), text(name), text(value)]);

/** What a gRPC call begins with. */
export const callOf = (path: string) =>
  Buffer.concat([
    ...[field(":method", "POST"), field(":scheme", "http"), field(":path", path), field(":authority", "x")],
    ...[field("content-type", "application/grpc"), field("te", "trailers")],
  ]);

/**
 * A connection on which each part is sent when the peer has taken in the one before, and which is then cut. Resolves with the types of the frames that came
 * back, by their streams. Rejects when the peer ends it first.
 */
export function sendInParts(port: number, parts: readonly Buffer[]): Promise<ReadonlyMap<number, readonly number[]>> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    const types = new Map<number, number[]>();
    let rest = Buffer.alloc(0);
    let sent = 0;
    const next = (): void => {
      const part = parts[sent++];
      if (part === undefined) return void socket.destroy();
      socket.write(Buffer.concat([part, h2(FRAME.ping, 0, 0, Buffer.alloc(8))]));
    };
    socket.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const end = rest.length < HEAD_BYTES ? HEAD_BYTES : HEAD_BYTES + rest.readUIntBE(0, 3);
        if (rest.length < end) return;
        const [type = 0, flags, stream] = [rest[3], rest[4], rest.readUInt32BE(5)];
        types.set(stream, [...(types.get(stream) ?? []), type]);
        rest = rest.subarray(end);
        if (type === FRAME.ping && flags === ACK) next();
      }
    });
    socket.on("error", () => {});
    socket.on("close", () =>
      sent > parts.length ? resolve(types) : reject(new Error(`the connection was ended in part ${sent}`)),
    );
    socket.write(Buffer.concat([PREFACE, h2(FRAME.settings, 0, 0)]));
    next();
  });
}
