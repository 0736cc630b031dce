/**
 * One connection of HTTP/2 without TLS (RFC 9113, RFC 7541), as little of it as a load generator needs, on node:net: node:http2 would need
 * more processor time for a call than the server that is measured has for it, and its own garbage collection would be the tail that is found.
 *
 * All requests have the same header fields. The first says them and has the peer keep them; from then on each is one byte, as with Envoy.
 * What comes back is told by its frames alone; header fields are not read. Keeps to the windows and the limit of streams that the peer
 * states: requests wait here until there is room, in their order. Pushes, priorities and padding do not occur between us and our servers.
 */
import { connect } from "node:net";
import { text } from "../../harness/http2-frames.ts";

export type Http2Connection = {
  /** Resolves with what came in DATA frames; undefined when the stream or the connection was broken off. */
  request(body: Buffer): Promise<Buffer | undefined>;
  close(): void;
};

type Waiting = { readonly body: Buffer; readonly settle: (answer: Buffer | undefined) => void };
type Open = { readonly settle: Waiting["settle"]; data: Buffer | undefined };

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEAD = 9;
const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE] = [0, 1, 3, 4, 6, 7, 8] as const;
const [ACK, END_STREAM, END_HEADERS] = [1, 1, 4] as const;
const [MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE] = [3, 4, 5] as const;
/** RFC 7541, Appendix A: the first entry of the peer's own table comes behind these. */
const STATIC_ENTRIES = 61;
const NOTHING = Buffer.alloc(0);
/** How much we take before we say that there is room again: all we can, since everything is read at once. */
const WINDOW = 2 ** 31 - 1;
const INITIAL_WINDOW = 65_535;
const UPDATE_EVERY = 2 ** 30;

/** `fields`: pseudo-header fields first; names in lower case. */
export function openHttp2(port: number, fields: readonly (readonly [string, string])[]): Http2Connection {
  const socket = connect(port, "127.0.0.1").setNoDelay(true);
  const said = Buffer.concat(fields.map(([name, value]) => literal(name, value)));
  const kept = Buffer.from(fields.map((_, at) => 0x80 | (STATIC_ENTRIES + fields.length - at)));
  const open = new Map<number, Open>();
  const waiting: Waiting[] = [];
  let nextId = 1;
  let isOver = false;
  let room = INITIAL_WINDOW;
  let streamRoom = INITIAL_WINDOW;
  let maxStreams = 100;
  let maxFrame = 16_384;
  let taken = 0;
  let rest: Buffer = NOTHING;
  let unsent: Buffer[] = [];

  function send(...parts: readonly Buffer[]): void {
    if (unsent.length === 0) process.nextTick(flush);
    unsent.push(...parts);
  }

  /** What one turn has to say goes in one call of the system. */
  function flush(): void {
    const parts = unsent;
    unsent = [];
    if (!isOver) socket.write(parts.length === 1 ? (parts[0] ?? NOTHING) : Buffer.concat(parts));
  }

  function begin({ body, settle }: Waiting): void {
    const id = nextId;
    nextId += 2;
    open.set(id, { settle, data: undefined });
    room -= body.length;
    const block = id === 1 ? said : kept;
    send(head(block.length, HEADERS, END_HEADERS, id), block);
    let at = 0;
    do {
      const part = body.subarray(at, at + maxFrame);
      at += part.length;
      send(head(part.length, DATA, at === body.length ? END_STREAM : 0, id), part);
    } while (at < body.length);
  }

  function beginWhatMay(): void {
    for (let one = waiting[0]; one !== undefined; one = waiting[0]) {
      if (open.size >= maxStreams || one.body.length > Math.min(room, streamRoom)) return;
      waiting.shift();
      begin(one);
    }
  }

  function settle(id: number, isAnswered: boolean): void {
    const one = open.get(id);
    if (one === undefined) return;
    open.delete(id);
    one.settle(isAnswered ? (one.data ?? NOTHING) : undefined);
  }

  function take(type: number, flags: number, id: number, payload: Buffer): void {
    if (type === DATA) {
      const one = open.get(id);
      if (one !== undefined && payload.length > 0)
        one.data = one.data === undefined ? payload : Buffer.concat([one.data, payload]);
      taken += payload.length;
    } else if (type === SETTINGS && (flags & ACK) === 0) {
      for (let at = 0; at + 6 <= payload.length; at += 6)
        setting(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
      send(head(0, SETTINGS, ACK, 0));
    } else if (type === WINDOW_UPDATE && id === 0) room += payload.readUInt32BE(0);
    else if (type === PING && (flags & ACK) === 0) send(head(8, PING, ACK, 0), payload);
    else if (type === RST_STREAM) settle(id, false);
    else if (type === GOAWAY) over();
    if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0) settle(id, true);
  }

  function setting(name: number, value: number): void {
    if (name === MAX_CONCURRENT_STREAMS) maxStreams = value;
    else if (name === INITIAL_WINDOW_SIZE) streamRoom = value;
    else if (name === MAX_FRAME_SIZE) maxFrame = value;
  }

  function over(): void {
    isOver = true;
    socket.destroy();
    for (const id of open.keys()) settle(id, false);
    for (const one of waiting.splice(0)) one.settle(undefined);
  }

  socket.on("data", (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= HEAD) {
      const end = at + HEAD + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      const id = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
      take(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, id, bytes.subarray(at + HEAD, end));
      at = end;
    }
    rest = bytes.subarray(at);
    if (taken > UPDATE_EVERY) {
      send(number(head(4, WINDOW_UPDATE, 0, 0), taken));
      taken = 0;
    }
    beginWhatMay();
  });
  socket.on("error", over);
  socket.on("close", over);
  const own = Buffer.alloc(6);
  own.writeUInt16BE(INITIAL_WINDOW_SIZE, 0);
  own.writeUInt32BE(WINDOW, 2);
  send(Buffer.from(PREFACE), head(own.length, SETTINGS, 0, 0), own);
  send(number(head(4, WINDOW_UPDATE, 0, 0), WINDOW - INITIAL_WINDOW));

  return {
    request: (body) =>
      new Promise((settled) => {
        if (isOver) return settled(undefined);
        waiting.push({ body, settle: settled });
        beginWhatMay();
      }),
    close: over,
  };
}

function head(length: number, type: number, flags: number, id: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD);
  bytes.writeUIntBE(length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(id, 5);
  return bytes;
}

function number(before: Buffer, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return Buffer.concat([before, bytes]);
}

/** RFC 7541, 6.2.1: a new name with its value, to be kept. */
function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40]), text(name), text(value)]);
}
