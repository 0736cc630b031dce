/**
 * Compiles a policy in a thread of its own: metering a large module takes tens of milliseconds of JavaScript, in which no check would be
 * answered. The thread also asks the policy some hundred times: V8 compiles each function when it is first called and again when it is hot,
 * and what it compiled belongs to the module, so the event loop finds it done. For a bundle that comes while another one decides; starting
 * the thread costs more than a first start has to wait for.
 */
import { Worker } from "node:worker_threads";
import { answerOf } from "../../../platform/answer-of-thread.ts";
import { AppError } from "../../domain/app-error.ts";
import type { Budget } from "../budget.ts";
import type { Redirection } from "./redirect-functions.ts";

export type WarmUp = {
  readonly dataJson: string;
  readonly budget: Budget;
  /** What the policy is asked, one after the other. */
  readonly questions: readonly { readonly entrypoint: string; readonly inputJson: string }[];
  readonly times: number;
};

export type CompileJob = {
  readonly wasm: Uint8Array;
  readonly redirections?: readonly Redirection[];
  readonly warmUp?: WarmUp;
};

/** @throws AppError invalid_bundle; unavailable when the thread ended without an answer, which may be the machine's fault */
export async function compileApart(job: CompileJob): Promise<WebAssembly.Module> {
  const thread = new Worker(new URL("./compile-thread.ts", import.meta.url), { workerData: job });
  const answer = await answerOf(thread).catch((error: unknown) => {
    throw ended(error);
  });
  if (answer === undefined) throw ended();
  if (isCompiled(answer)) return answer.module;
  throw new AppError("invalid_bundle", detailOf(answer));
}

function ended(cause?: unknown): AppError {
  return new AppError("unavailable", "the thread that compiles policies has ended", { cause });
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
