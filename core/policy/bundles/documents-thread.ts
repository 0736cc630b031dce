/** The thread of documents.ts: does one job, answers once, and ends. */
import { parentPort, workerData } from "node:worker_threads";
import { lowerPriority } from "../../../platform/lower-priority.ts";
import { type DocumentsJob, done } from "./documents-job.ts";

const job: DocumentsJob = workerData;
lowerPriority();
parentPort?.postMessage(done(job));
