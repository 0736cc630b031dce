/**
 * Preloaded into a program (program.ts): ends it when the process that started it is gone, for whatever reason (also kill -9), which is when the
 * pipe on standard input closes. Changes nothing else. Threads load this file too, with a standard input that is closed from the start, which
 * does not count.
 */
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
  process.stdin.on("close", () => process.kill(process.pid, "SIGKILL"));
  process.stdin.on("error", () => process.kill(process.pid, "SIGKILL"));
  process.stdin.resume();
  if ("unref" in process.stdin && typeof process.stdin.unref === "function") process.stdin.unref();
}
