/** The body of a request that states its length: Node ends it there, however much follows on the connection. */
import type { IncomingMessage } from "node:http";

/**
 * What came in one piece with the head of the request, where that is all of it: nearly always, and then it need not be waited for, by listeners
 * and turns of the event loop that cost as much as some answers do. Call it after the event `request` and not within.
 */
export function takeWhole(
  request: IncomingMessage,
  bytes: number,
): { readonly whole?: Buffer; readonly begun: Buffer[] } {
  const chunk: unknown = request.read();
  if (!Buffer.isBuffer(chunk)) return { begun: [] };
  return chunk.length === bytes ? { whole: chunk, begun: [] } : { begun: [chunk] };
}

/** Waits for the rest. Undefined when the connection ends before; how long it may take is the server's `requestTimeout`. */
export function takeRest(request: IncomingMessage, begun: Buffer[]): Promise<Buffer | undefined> {
  // Its events are over: nothing would ever be heard of it.
  if (request.destroyed) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    request.on("data", (chunk: Buffer) => begun.push(chunk));
    request.on("end", () => resolve(Buffer.concat(begun)));
    request.on("error", () => resolve(undefined));
    request.on("close", () => resolve(undefined));
  });
}
