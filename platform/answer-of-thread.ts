import { once } from "node:events";
import type { Worker } from "node:worker_threads";

/** What a thread says first; undefined when it ended without a word. It is over then. Rejects with the error that ended it. */
export async function answerOf(thread: Worker): Promise<unknown> {
  const heard = new AbortController();
  const { signal } = heard;
  try {
    const ended = once(thread, "exit", { signal }).then(() => undefined);
    const answered = once(thread, "message", { signal }).then(([first]: unknown[]) => first);
    return await Promise.race([answered, ended]);
  } finally {
    heard.abort();
    await thread.terminate();
  }
}
