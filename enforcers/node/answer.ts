/**
 * Writing an answer to a client. An answer that is given while the client may still be sending closes the connection, so that
 * what it sends later cannot be taken for another request.
 */
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { flatten, type HeaderLine } from "./header-line.ts";
import type { Outcome } from "./observe.ts";
import { type RefusalReason, refusalAnswer } from "./refusal.ts";

export type Answer = {
  readonly status: number;
  readonly lines: readonly HeaderLine[];
  readonly body: Buffer | string;
};

export function answerRefusal(request: IncomingMessage, response: ServerResponse, reason: RefusalReason): Outcome {
  answerWhole(request, response, refusalAnswer(reason));
  return { kind: "refused", reason };
}

/** An answer of the gateway or the decision service. */
export function answerWhole(request: IncomingMessage, response: ServerResponse, { status, lines, body }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  const isBodiless = status === 204 || status === 304;
  const bytes = isBodiless ? 0 : Buffer.byteLength(body);
  const own: HeaderLine[] = isBodiless ? [] : [["content-length", String(bytes)]];
  // As Envoy: a body that does not say what it is, is no page.
  if (bytes > 0 && !lines.some(([name]) => name === "content-type")) own.push(["content-type", "text/plain"]);
  response.writeHead(status, flatten([...lines, ...own, ...closing(request)]));
  response.end(isBodiless ? undefined : body);
}

/** An answer of the upstream. Rejects when either side breaks off; the client then sees a cut connection, never a shorter body. */
export async function answerStream(
  request: IncomingMessage,
  response: ServerResponse,
  answer: { readonly status: number; readonly lines: readonly HeaderLine[]; readonly body: Readable },
): Promise<void> {
  response.writeHead(answer.status, flatten([...answer.lines, ...closing(request)]));
  await pipeline(answer.body, response);
}

/** For a request that came as an upgrade: node:http hands out the socket, and one answer is written on it before it is closed. */
export function responseOn(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once("finish", () => socket.destroySoon());
  return response;
}

function closing(request: IncomingMessage): readonly HeaderLine[] {
  return request.complete ? [] : [["connection", "close"]];
}
