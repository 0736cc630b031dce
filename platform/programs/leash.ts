/**
 * Preloaded into a program (program.ts): ends it when the process that started it is gone, however that went (also by kill -9),
 * which is when the pipe on standard input closes. Changes nothing else. A thread is given this file too, and a standard input that is
 * closed from the start: it is not what holds the leash.
 */
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
  process.stdin.on("close", () => process.kill(process.pid, "SIGKILL"));
  process.stdin.on("error", () => process.kill(process.pid, "SIGKILL"));
  process.stdin.resume();
  if ("unref" in process.stdin && typeof process.stdin.unref === "function") process.stdin.unref();
}
