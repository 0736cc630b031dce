/**
 * Suspends callers who make a policy exceed its budget: after three such evaluations within a minute, the same subject is denied on the same
 * route without being evaluated, so that nobody can occupy the event loop by repeating something slow.
 *
 * A route is identified by what is known before an evaluation: the policy's revision, the method, and the first segment of the path. Policies
 * usually decide by it, and the rest of a service stays open to somebody who met one bad rule. NB: a caller chooses both, so nine on all routes
 * together suspend the subject as a whole. A suspended call costs nothing and is not counted: a minute after the first of the three, the next
 * call is tried.
 *
 * The table forgets subjects that have been quiet for longest; a forgotten one has three evaluations again.
 */
import type { Subject } from "../../../core/domain/subject.ts";

export type Attempt = {
  readonly revision: string;
  /** A subject, or for an anonymous call its source. */
  readonly subject: string;
  readonly method: string;
  /** Raw, as the client sent it. */
  readonly path: string;
};

/** An account, as attempts name it. */
export function accountName({ issuer, id }: Pick<Subject, "issuer" | "id">): string {
  return JSON.stringify([issuer, id]);
}

export type Suspensions = {
  /** `describe` is called only if anybody is suspended. */
  isSuspended(describe: () => Attempt, nowMs: number): boolean;
  /** Notes an evaluation that exceeded its budget. */
  note(attempt: Attempt, nowMs: number): void;
};

type SuspensionLimits = {
  readonly perRule: number;
  readonly perSubject: number;
  readonly windowMs: number;
  readonly maxEntries: number;
};

export const SUSPENSION_LIMITS: SuspensionLimits = { perRule: 3, perSubject: 9, windowMs: 60_000, maxEntries: 10_000 };

/** `nowMs` is of the monotonic clock. */
export function createSuspensions(limits: SuspensionLimits = SUSPENSION_LIMITS): Suspensions {
  const { perRule, perSubject, windowMs, maxEntries } = limits;
  /** Times of the latest, oldest first; the map in order of their last. */
  const times = new Map<string, readonly number[]>();

  function isFull(key: string, most: number, nowMs: number): boolean {
    const known = times.get(key);
    return known !== undefined && known.filter((at) => nowMs - at < windowMs).length >= most;
  }

  function add(key: string, most: number, nowMs: number): void {
    const kept = [...(times.get(key) ?? []), nowMs].slice(-most);
    times.delete(key);
    times.set(key, kept);
    for (const oldest of times.keys()) {
      if (times.size <= maxEntries) break;
      times.delete(oldest);
    }
  }

  return {
    isSuspended(describe, nowMs) {
      if (times.size === 0) return false;
      const attempt = describe();
      return isFull(ruleKey(attempt), perRule, nowMs) || isFull(subjectKey(attempt), perSubject, nowMs);
    },
    note(attempt, nowMs) {
      add(ruleKey(attempt), perRule, nowMs);
      add(subjectKey(attempt), perSubject, nowMs);
    },
  };
}

function ruleKey({ revision, subject, method, path }: Attempt): string {
  const [first = ""] = path.replace(/^\/+/, "").split(/[/?#]/, 1);
  return JSON.stringify([revision, subject, method, first.slice(0, 256)]);
}

function subjectKey({ revision, subject }: Attempt): string {
  return JSON.stringify([revision, subject]);
}
