/**
 * What is only known of a bundle when its documents are parsed: hashes for the signature, and the data that a module is given. For megabytes of
 * data that takes a tenth of a second and more of processor time, in which no check would be answered, so it is done in a thread
 * (documents-thread.ts), for an unsigned bundle as well. Small ones are not worth starting one.
 */
import { Worker } from "node:worker_threads";
import { answerOf } from "../../../platform/answer-of-thread.ts";
import { AppError } from "../../domain/app-error.ts";
import { baseName, type BundleFiles } from "./bundle-files.ts";
import { isStructured } from "./file-hash.ts";
import { type DocumentsJob, done, type Listed } from "./documents-job.ts";

/** A few milliseconds of work. */
const MOST_DOCUMENT_BYTES = 64 * 1024;
/** To hash as they are, which is faster by far. */
const MOST_BYTES = 4 * 1024 * 1024;

/** In the same order; undefined for an algorithm that is not accepted here. @throws AppError invalid_bundle, unavailable */
export async function hashesOf(files: readonly Listed[]): Promise<readonly (string | undefined)[]> {
  const answer = await answered({ kind: "hashes", files }, files);
  if (answer.kind === "hashes") return answer.hashes;
  throw unanswered();
}

/** The base document as JSON text, written anew from what was parsed. @throws AppError invalid_bundle, unavailable */
export async function dataTextOf(files: BundleFiles, roots: readonly string[]): Promise<string> {
  const data = [...files].filter(([name]) => /^data\.(json|ya?ml)$/.test(baseName(name)));
  const answer = await answered(
    { kind: "data", files: data, roots },
    data.map(([name, bytes]) => ({ name, bytes })),
  );
  if (answer.kind === "data") return answer.text;
  throw unanswered();
}

async function answered(job: DocumentsJob, files: readonly Pick<Listed, "name" | "bytes">[]) {
  const answer = isSmall(files) ? done(job) : await apart(job);
  if (answer.kind === "refused") throw new AppError("invalid_bundle", answer.detail);
  return answer;
}

function isSmall(files: readonly Pick<Listed, "name" | "bytes">[]): boolean {
  const sum = (some: typeof files) => some.reduce((bytes, file) => bytes + file.bytes.length, 0);
  return sum(files.filter(({ name }) => isStructured(name))) <= MOST_DOCUMENT_BYTES && sum(files) <= MOST_BYTES;
}

async function apart(job: DocumentsJob): Promise<ReturnType<typeof done>> {
  const thread = new Worker(new URL("./documents-thread.ts", import.meta.url), { workerData: job });
  const answer = await answerOf(thread).catch((error: unknown) => {
    throw unanswered(error);
  });
  if (isAnswer(answer)) return answer;
  throw unanswered();
}

/** NB: what the thread sends is our own. */
function isAnswer(answer: unknown): answer is ReturnType<typeof done> {
  return typeof answer === "object" && answer !== null && "kind" in answer;
}

function unanswered(cause?: unknown): AppError {
  return new AppError("unavailable", "the thread that reads bundles has ended", { cause });
}
