/** Frames of HTTP/2 (RFC 9113) as bytes, for connections that no client library would make. */
import { connect } from "node:net";

const HEAD_BYTES = 9;
export const FRAME = {
  ...({
    data: 0,
    headers: 1,
    priority: 2,
    reset: 3,
    settings: 4,
    ping: 6,
    goaway: 7,
    windowUpdate: 8,
    continuation: 9,
  } as const),
};
export const ACK = 1;
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

/** RFC 7541, 5.2, without Huffman's code. As Latin-1: what stands there is what is sent, byte by byte. */
export function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  const low = 0x7f;
  if (bytes.length < low) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [low];
  let more = bytes.length - low;
  for (; more >= 0x80; more >>= 7) length.push((more & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...length, more]), bytes]);
}

/** RFC 7541, 6.2.2: said and not kept. */
export const field = (name: string, value: string) => Buffer.concat([Buffer.from([0]), text(name), text(value)]);

/** What a gRPC call begins with. */
export const callOf = (path: string) =>
  Buffer.concat([
    ...[field(":method", "POST"), field(":scheme", "http"), field(":path", path), field(":authority", "x")],
    ...[field("content-type", "application/grpc"), field("te", "trailers")],
  ]);

type Frame = { readonly type: number; readonly flags: number; readonly stream: number; readonly payload: Buffer };

/** Takes what comes piece by piece, and hands on each frame when all of it is there. */
export function frameReader(take: (frame: Frame) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const end = rest.length < HEAD_BYTES ? HEAD_BYTES : HEAD_BYTES + rest.readUIntBE(0, 3);
      if (rest.length < end) return;
      const [type = 0, flags = 0, stream] = [rest[3], rest[4], rest.readUInt32BE(5)];
      const payload = rest.subarray(HEAD_BYTES, end);
      rest = rest.subarray(end);
      take({ type, flags, stream, payload });
    }
  };
}

/**
 * A connection on which each part is sent when the peer has taken in the one before, and which is then cut. Resolves with the types of the frames that came
 * back, by their streams. Rejects when the peer ends it first.
 */
export function sendInParts(port: number, parts: readonly Buffer[]): Promise<ReadonlyMap<number, readonly number[]>> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    const types = new Map<number, number[]>();
    let sent = 0;
    const next = (): void => {
      const part = parts[sent++];
      if (part === undefined) return void socket.destroy();
      socket.write(Buffer.concat([part, h2(FRAME.ping, 0, 0, Buffer.alloc(8))]));
    };
    const read = frameReader(({ type, flags, stream }) => {
      types.set(stream, [...(types.get(stream) ?? []), type]);
      if (type === FRAME.ping && flags === ACK) next();
    });
    socket.on("data", read);
    socket.on("error", () => {});
    socket.on("close", () =>
      sent > parts.length ? resolve(types) : reject(new Error(`the connection was ended in part ${sent}`)),
    );
    socket.write(Buffer.concat([PREFACE, h2(FRAME.settings, 0, 0)]));
    next();
  });
}
