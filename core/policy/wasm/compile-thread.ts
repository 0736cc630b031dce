/** The thread of compile-apart.ts: compiles what it was given, answers once, and ends. */
import { parentPort, workerData } from "node:worker_threads";
import { AppError } from "../../domain/app-error.ts";
import { compilePolicy } from "./compile-policy.ts";

const given: unknown = workerData;
try {
  if (!(given instanceof Uint8Array)) throw new AppError("internal", "the thread was given no module");
  parentPort?.postMessage({ module: await compilePolicy(given) });
} catch (error) {
  parentPort?.postMessage({ detail: error instanceof AppError ? error.detail : "the module cannot be compiled" });
}
