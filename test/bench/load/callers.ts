/**
 * Callers of the load generator, written by hand on node:net, which costs less than any client library. Each sends a request
 * as it was prepared and says whether the answer was the right one.
 */
import { connect, type Socket } from "node:net";
import { frame } from "../../harness/grpc-frames.ts";
import { openHttp2 } from "./http2-connection.ts";
import type { CallSpec } from "./load-spec.ts";

export type Caller = {
  /** What is sent for a message or body; made once. */
  prepare(request: Buffer): Buffer;
  call(prepared: Buffer): Promise<boolean>;
  close(): void;
};

export function openCaller(port: number, call: CallSpec): Caller {
  return call.kind === "grpc" ? overGrpc(port, call) : overHttp(port, call);
}

/** Before the message: whether it is compressed, and its length. */
const GRPC_PREFIX = 5;

/** One connection, with as many calls at once as are made. */
function overGrpc(port: number, { path, headers, expected }: CallSpec): Caller {
  const own = { "content-type": "application/grpc", te: "trailers", ...headers };
  const connection = openHttp2(port, [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", `127.0.0.1:${port}`],
    ...Object.entries(own),
  ]);
  const begin = Buffer.from(expected, "hex");
  const end = GRPC_PREFIX + begin.length;
  return {
    prepare: frame,
    call: async (prepared) => (await connection.request(prepared))?.subarray(GRPC_PREFIX, end).equals(begin) ?? false,
    close: connection.close,
  };
}

/** Connections that are kept: one that is free, or one more. */
function overHttp(port: number, { path, headers, expected }: CallSpec): Caller {
  const free: Socket[] = [];
  const all = new Set<Socket>();
  const lines = Object.entries({ host: `127.0.0.1:${port}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const open = (): Socket => {
    const socket = connect(port, "127.0.0.1").setNoDelay(true);
    all.add(socket);
    return socket;
  };
  return {
    prepare: (body) =>
      Buffer.concat([
        Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join("")}content-length: ${body.length}\r\n\r\n`),
        body,
      ]),
    call(prepared) {
      const socket = free.pop() ?? open();
      return new Promise((resolve) => {
        let text = "";
        const settle = (isRight: boolean) => {
          socket.removeAllListeners();
          resolve(isRight);
        };
        const lose = () => {
          socket.destroy();
          all.delete(socket);
          settle(false);
        };
        socket.on("error", lose);
        socket.on("close", lose);
        socket.on("data", (chunk: Buffer) => {
          text += chunk.toString("latin1");
          if (!isWhole(text)) return;
          settle(text.startsWith("HTTP/1.1 200") && text.includes(expected));
          free.push(socket);
        });
        socket.write(prepared);
      });
    },
    close() {
      for (const socket of all) socket.destroy();
    },
  };
}

/** What is measured answers with a length. */
function isWhole(text: string): boolean {
  const body = text.indexOf("\r\n\r\n") + 4;
  if (body < 4) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, body))?.[1];
  return length !== undefined && text.length - body >= Number(length);
}
