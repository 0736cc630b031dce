/** The body of a request that states its length: Node ends it there, however much follows on the connection. */
import type { IncomingMessage } from "node:http";
import { appendChunk } from "../append-chunk.ts";

/**
 * What came in one piece with the head of the request, where that is all of it: nearly always, and then it need not be waited for, by listeners
 * and turns of the event loop that cost as much as some answers do. Call it after the event `request` and not within.
 */
export function takeWhole(
  request: IncomingMessage,
  bytes: number,
): { readonly whole?: Buffer; readonly begun?: Buffer } {
  const chunk: unknown = request.read();
  if (!Buffer.isBuffer(chunk)) return {};
  return chunk.length === bytes ? { whole: chunk } : { begun: chunk };
}

/** Waits for the rest. Undefined when the connection ends before; how long it may take is the server's `requestTimeout`. */
export function takeRest(request: IncomingMessage, begun: Buffer | undefined): Promise<Buffer | undefined> {
  // Its events are over: nothing would ever be heard of it.
  if (request.destroyed) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    let held = begun;
    let heldBytes = begun?.length ?? 0;
    request.on("data", (chunk: Buffer) => {
      held = appendChunk(held, heldBytes, chunk);
      heldBytes += chunk.length;
    });
    request.on("end", () => resolve(held?.subarray(0, heldBytes) ?? Buffer.alloc(0)));
    request.on("error", () => resolve(undefined));
    request.on("close", () => resolve(undefined));
  });
}
