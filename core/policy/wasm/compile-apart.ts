/**
 * Compiles a policy in a thread of its own: metering a large module takes tens of milliseconds of JavaScript, in which no check would be
 * answered. For a bundle that comes while another one decides; starting the thread costs more than a first start has to wait for.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { AppError } from "../../domain/app-error.ts";

/** @throws AppError invalid_bundle */
export async function compileApart(wasm: Uint8Array): Promise<WebAssembly.Module> {
  const thread = new Worker(new URL("./compile-thread.ts", import.meta.url), { workerData: Uint8Array.from(wasm) });
  const heard = new AbortController();
  try {
    const { signal } = heard;
    const ended = once(thread, "exit", { signal }).then(() => undefined);
    const answered = once(thread, "message", { signal }).then(([first]: unknown[]) => first);
    const answer = await Promise.race([answered, ended]);
    if (isCompiled(answer)) return answer.module;
    throw new AppError("invalid_bundle", detailOf(answer));
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("invalid_bundle", "the module cannot be compiled", { cause: error });
  } finally {
    heard.abort();
    await thread.terminate();
  }
}

/** NB: what the thread sends is our own; the module is of whatever realm received it, so that `instanceof` would not know it. */
function isCompiled(answer: unknown): answer is { readonly module: WebAssembly.Module } {
  return typeof answer === "object" && answer !== null && "module" in answer;
}

function detailOf(answer: unknown): string {
  return typeof answer === "object" && answer !== null && "detail" in answer && typeof answer.detail === "string"
    ? answer.detail
    : "the module cannot be compiled";
}
