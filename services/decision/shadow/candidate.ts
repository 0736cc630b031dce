/**
 * The candidate policy, in a thread of its own, so that its cost is not taken from checks. When the thread ends (out of memory, for example), its
 * pending questions are lost; it is started again with the bundle that it had, after a pause that doubles.
 */
import { Worker } from "node:worker_threads";
import type { BundleFiles } from "../../../core/policy/bundles/bundle-files.ts";
import type { Taken } from "../../../core/policy/bundles/keeper.ts";
import type { InputReads } from "../../../core/policy/input-reads.ts";
import { createBackoff } from "../../../platform/backoff.ts";
import type { CandidateSettings, Compared, FromCandidate, Job, ToCandidate } from "./candidate-messages.ts";

export type Candidate = AsyncDisposable & {
  /** Whether it has a bundle. */
  isActive(): boolean;
  /** Parts of the input that it reads; undefined: it may read all. */
  inputReads(): InputReads | undefined;
  /** Never rejects. */
  activate(files: BundleFiles): Promise<Taken>;
  /** Undefined: the thread has ended meanwhile. Never rejects. One at a time. */
  compare(jobs: readonly Job[]): Promise<Compared | undefined>;
};

export type CandidateOptions = {
  readonly settings: CandidateSettings;
  /**
   * Of JavaScript; the memory of the policy is bounded by its budget. NB: a thread ends at this while it runs; one that runs out of memory
   * while it takes a message ends the process, so what is sent has limits far below (shadow.ts, and those of every bundle).
   */
  readonly heapMib?: number;
};

const HEAP_MIB = 512;
const LOST: Taken = { kind: "refused", reason: "thread_ended", detail: "the thread of the candidate has ended" };

export function createCandidate(
  { onLost }: { readonly onLost: () => void },
  { settings, heapMib = HEAP_MIB }: CandidateOptions,
): Candidate {
  const stop = new AbortController();
  const backoff = createBackoff({ firstMs: 1_000, maxMs: 60_000 });
  let thread: Worker | undefined;
  let files: BundleFiles | undefined;
  let active = false;
  let reads: InputReads | undefined;
  let activating: ((taken: Taken) => void) | undefined;
  let latest: Promise<void> = Promise.resolve();
  let comparing: ((compared: Compared | undefined) => void) | undefined;

  function start(): Worker {
    const started = new Worker(new URL("./candidate-thread.ts", import.meta.url), {
      workerData: settings,
      resourceLimits: { maxOldGenerationSizeMb: heapMib },
    });
    started.unref();
    started.on("message", (message: FromCandidate) => {
      if (message.kind === "compared") return comparing?.(message.compared);
      reads = message.inputReads;
      activating?.(message.taken);
    });
    // What it was is told by the exit that follows; without a listener it would end the process.
    started.on("error", () => {});
    started.on("exit", () => void ended());
    thread = started;
    return started;
  }

  async function ended(): Promise<void> {
    thread = undefined;
    active = false;
    activating?.(LOST);
    comparing?.(undefined);
    if (stop.signal.aborted) return;
    onLost();
    if (files === undefined) return;
    await backoff.wait(stop.signal).catch(() => {});
    if (!stop.signal.aborted && thread === undefined && files !== undefined) await activate(files);
  }

  /** One after the other: a new bundle may arrive while the thread is started anew. */
  async function activate(next: BundleFiles): Promise<Taken> {
    const [before, mine] = [latest, Promise.withResolvers<void>()];
    latest = mine.promise;
    await before;
    const taken = await load(next);
    mine.resolve();
    return taken;
  }

  async function load(next: BundleFiles): Promise<Taken> {
    // NB: a keeper may still be opening a bundle when this ends; nobody would end a thread that is started now.
    if (stop.signal.aborted) return LOST;
    const answer = Promise.withResolvers<Taken>();
    activating = answer.resolve;
    send(thread ?? start(), { kind: "activate", files: next });
    const taken = await answer.promise;
    activating = undefined;
    if (taken.kind === "activated") {
      files = next;
      active = true;
    }
    return taken;
  }

  return {
    isActive: () => active,
    inputReads: () => reads,
    activate,
    async compare(jobs) {
      if (thread === undefined) return undefined;
      const answer = Promise.withResolvers<Compared | undefined>();
      comparing = answer.resolve;
      send(thread, { kind: "compare", jobs });
      const compared = await answer.promise;
      comparing = undefined;
      return compared;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await thread?.terminate();
    },
  };
}

function send(thread: Worker, message: ToCandidate): void {
  thread.postMessage(message);
}
