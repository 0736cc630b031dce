/**
 * Preloaded into a service whose memory is watched: at each SIGUSR2 it collects, and says on a line of its log what it holds all the same. Twice, since
 * the memory behind buffers is given back beside the program, and counted as such by the next collection.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  process.on("SIGUSR2", () => {
    if (typeof collect !== "function") throw new Error("nothing collects");
    collect();
    collect();
    const { heapUsed, external } = process.memoryUsage();
    process.stdout.write(`{"event":"heap_after_gc","bytes":${heapUsed + external}}\n`);
  });
}
