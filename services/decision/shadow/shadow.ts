/**
 * Between checks and the candidate: questions that the active policy has answered wait in a bounded queue until the event loop is idle, go to the
 * candidate's thread a few at a time, and come back as agreements and differences. A check only ever puts a question into the queue. If the
 * candidate is slower than the checks, questions are dropped and counted.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Replies } from "../../../core/policy/asks.ts";
import { holdsReads } from "../../../core/policy/input-reads.ts";
import type { Asked, Described, Shadow } from "./ports.ts";
import type { Candidate } from "./candidate.ts";
import type { Compared, Job } from "./candidate-messages.ts";

/**
 * `dropped`: the queue was full. `lost`: the thread ended. `not_described`: it reads what cannot be written of this request.
 * `not_identified`: its credential was refused, or nobody had time to look at it.
 */
export type NotCompared = "dropped" | "lost" | "not_described" | "not_identified";

export type ShadowDeps = {
  readonly candidate: Pick<Candidate, "isActive" | "inputReads" | "compare">;
  readonly onCompared: (compared: Compared) => void;
  readonly onNotCompared: (why: NotCompared, count: number) => void;
};

type ShadowLimits = { readonly waiting: number; readonly bytes: number; readonly atOnce: number };

/** Few at once, so that a new candidate does not wait for all that the old one was asked. */
export const SHADOW_LIMITS: ShadowLimits = { waiting: 1_000, bytes: 16 * 1024 * 1024, atOnce: 32 };

export function createShadow(
  { candidate, onCompared, onNotCompared }: ShadowDeps,
  limits: ShadowLimits = SHADOW_LIMITS,
): Shadow {
  const waiting: (Asked & { readonly held: number })[] = [];
  let bytes = 0;
  let sending = false;

  async function send(): Promise<void> {
    while (waiting.length > 0) {
      const asked = waiting.splice(0, limits.atOnce);
      for (const one of asked) bytes -= one.held;
      await compare(asked).catch(() => onNotCompared("lost", asked.length));
    }
    sending = false;
  }

  async function compare(asked: readonly Asked[]): Promise<void> {
    const jobs: Job[] = [];
    for (const one of asked) {
      if (one.input === undefined) await nextTurn(); // describing a request takes about as long as a check
      const text = await textFor(one);
      if (text.kind === "input") jobs.push(jobOf(one, text.json));
      else onNotCompared(text.kind === "fault" ? "not_described" : text.kind, 1);
    }
    if (jobs.length === 0) return;
    const compared = await candidate.compare(jobs);
    if (compared === undefined) onNotCompared("lost", jobs.length);
    else onCompared(compared);
  }

  function textFor({ input, reads, inputFor }: Asked): Described | Promise<Described> {
    const wanted = candidate.inputReads();
    return input !== undefined && holdsReads(reads, wanted) ? input : inputFor(wanted);
  }

  return {
    isAsked: candidate.isActive,
    offer(asked) {
      if (!candidate.isActive()) return;
      const held = asked.bytes + bytesOf(asked.replies);
      if (waiting.length >= limits.waiting || bytes + held > limits.bytes) return onNotCompared("dropped", 1);
      waiting.push({ ...asked, held });
      bytes += held;
      if (sending) return;
      sending = true;
      setImmediate(() => void send());
    },
  };
}

function jobOf({ decisionId, nowNs, said, revision, replies }: Asked, inputJson: string): Job {
  return { decisionId, nowNs, said, revision, inputJson, replies };
}

/** Questions and answers: both are kept while the candidate is waited for. */
function bytesOf(replies: Replies | undefined): number {
  const sizes = [...(replies ?? [])].map(([key, reply]) => {
    if (reply.kind !== "http") return key.length + JSON.stringify(reply).length;
    return key.length + reply.body.length + JSON.stringify(reply.headers).length;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}
