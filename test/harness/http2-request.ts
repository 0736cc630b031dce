/**
 * A request as frames of HTTP/2 (RFC 9113) by prior knowledge, on a connection of its own: for requests that no client library would send. What is
 * said are the fields as they stand, in their order, pseudo-header fields among them.
 */
import { connect } from "node:net";
import { ACK, END_HEADERS, END_STREAM, FRAME, field, frameReader, h2, PREFACE } from "./http2-frames.ts";

export type Http2Fields = readonly (readonly [name: string, value: string])[];

export type Http2Request = {
  readonly fields: Http2Fields;
  /** In DATA frames; none: nothing comes behind the fields, and they end the stream. */
  readonly data: readonly Buffer[];
  readonly trailers?: Http2Fields;
  /** What becomes of the stream: ended, taken back by its client, or left open. */
  readonly ends: "end" | "reset" | "stall";
};

/**
 * The status; or how it ended without one: the stream reset by the server, the connection given up (GOAWAY) or closed, `left` for what the client took
 * back itself, or nothing within the deadline.
 */
type Http2Answer = number | "reset" | "goaway" | "closed" | "left" | "silence";

const STREAM = 1;
/** Whatever frame a server takes without being asked (RFC 9113, 4.2). */
const MOST = 16_384;

export function sendHttp2(port: number, request: Http2Request, deadlineMs: number): Promise<Http2Answer> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const finish = (answer: Http2Answer) => {
      resolve(answer);
      socket.destroy();
    };
    const timer = setTimeout(() => finish("silence"), deadlineMs);
    const ping = h2(FRAME.ping, 0, 0, Buffer.alloc(8));
    let isSent = false;
    const read = frameReader(({ type, flags, stream, payload }) => {
      if (type === FRAME.settings && flags !== ACK) socket.write(h2(FRAME.settings, ACK, 0));
      if (type === FRAME.headers && stream === STREAM && statusIn(payload) >= 200) finish(statusIn(payload));
      if (type === FRAME.reset && stream === STREAM) finish("reset");
      if (type === FRAME.goaway) finish("goaway");
      if (type !== FRAME.ping || flags !== ACK) return;
      // What the server says of its windows has come before.
      if (!isSent) socket.write(Buffer.concat([framesOf(request), request.ends === "reset" ? ping : Buffer.alloc(0)]));
      else finish("left");
      isSent = true;
    });
    socket.on("data", read);
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      finish("closed");
    });
    socket.write(Buffer.concat([PREFACE, h2(FRAME.settings, 0, 0), ping]));
  });
}

function framesOf({ fields, data, trailers, ends }: Http2Request): Buffer {
  const isLast = (more: boolean) => (more || ends !== "end" ? 0 : END_STREAM);
  const block = (some: Http2Fields) => Buffer.concat(some.map(([name, value]) => field(name, value)));
  const parts = data.flatMap((bytes) =>
    Array.from({ length: Math.max(1, Math.ceil(bytes.length / MOST)) }, (_, at) =>
      bytes.subarray(at * MOST, (at + 1) * MOST),
    ),
  );
  return Buffer.concat([
    h2(FRAME.headers, END_HEADERS | isLast(data.length > 0 || trailers !== undefined), STREAM, block(fields)),
    ...parts.map((part, at) => h2(FRAME.data, isLast(at + 1 < parts.length || trailers !== undefined), STREAM, part)),
    ...(trailers ? [h2(FRAME.headers, END_HEADERS | isLast(false), STREAM, block(trailers))] : []),
    ...(ends === "reset" ? [h2(FRAME.reset, 0, STREAM, Buffer.from([0, 0, 0, 8]))] : []),
  ]);
}

/** RFC 7541, Appendix A: entries 8 to 14. */
const INDEXED = [200, 204, 206, 304, 400, 404, 500] as const;

/** It is the first field of the first answer on a connection: an entry of the static table, or its name with digits, plain or in Huffman's code. */
function statusIn(block: Buffer): number {
  let at = 0;
  // The size of a table may be said before.
  while (((block[at] ?? 0) & 0xe0) === 0x20) at += 1;
  const first = block[at] ?? 0;
  if (first >= 0x88 && first <= 0x8e) return INDEXED[first - 0x88] ?? 0;
  const length = block[at + 1] ?? 0;
  const value = block.subarray(at + 2, at + 2 + (length & 0x7f));
  return Number(length & 0x80 ? huffmanDigits(value) : value.toString("latin1"));
}

/** RFC 7541, Appendix B: 0 to 2 are five bits, the others six. */
function huffmanDigits(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  let found = "";
  for (let at = 0; found.length < 3; ) {
    const short = Number.parseInt(bits.slice(at, at + 5), 2);
    const isShort = short <= 2;
    found += isShort ? short : Number.parseInt(bits.slice(at, at + 6), 2) - 22;
    at += isShort ? 5 : 6;
  }
  return found;
}
