/**
 * Reads the body of one request whole, up to a limit: for routes on which an approval can be tied to it. What is larger is
 * never kept, and is never asked about, nor what has not come to its end in time.
 */
import type { Readable } from "node:stream";
import { appendChunk } from "../../platform/append-chunk.ts";

type ReadBody =
  | { readonly kind: "whole"; readonly bytes: Buffer }
  | { readonly kind: "too_large" }
  /** The signal came before its end. */
  | { readonly kind: "too_slow" }
  /** The client went away, or what it sent is not well-formed. */
  | { readonly kind: "broken" };

export function readBody(stream: Readable, maxBytes: number, signal: AbortSignal): Promise<ReadBody> {
  return new Promise((resolve) => {
    let held: Buffer | undefined;
    let size = 0;
    const settle = (outcome: ReadBody) => {
      stream.off("data", take);
      stream.off("end", whole);
      stream.off("close", broken);
      signal.removeEventListener("abort", late);
      resolve(outcome);
    };
    function take(chunk: Buffer): void {
      if (size + chunk.length > maxBytes) {
        stream.pause();
        return settle({ kind: "too_large" });
      }
      held = appendChunk(held, size, chunk);
      size += chunk.length;
    }
    const whole = () => settle({ kind: "whole", bytes: held?.subarray(0, size) ?? Buffer.alloc(0) });
    const broken = () => settle({ kind: "broken" });
    function late(): void {
      stream.pause();
      settle({ kind: "too_slow" });
    }
    stream.on("data", take);
    stream.on("end", whole);
    stream.on("close", broken);
    stream.on("error", broken);
    signal.addEventListener("abort", late);
  });
}
