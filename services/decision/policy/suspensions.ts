/**
 * Who has made a policy run away too often is not let at it again for a while: after three evaluations that exceeded their
 * budget within a minute, the same subject is denied on the same route without being evaluated, so that nobody can take
 * the event loop away by repeating what is slow.
 *
 * A rule is named by what is known before an evaluation: the policy's revision, the method, and the first segment of the
 * path. It is what a policy usually decides by, and it leaves the rest of a service open to somebody who met one bad rule.
 * NB: a caller chooses both, so nine on all routes together suspend the subject as a whole. A suspended call costs nothing
 * and counts for nothing: a minute after the first of the three the next one is tried.
 *
 * The table forgets whoever has been quiet for longest; one who is forgotten has three evaluations again.
 */

export type Attempt = {
  readonly revision: string;
  /** Who: a subject, or where an anonymous call came from. */
  readonly subject: string;
  readonly method: string;
  /** Raw, as the client sent it. */
  readonly path: string;
};

export type Suspensions = {
  /** `describe` is asked only where somebody is suspended. */
  isSuspended(describe: () => Attempt, nowMs: number): boolean;
  /** One that exceeded its budget. */
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
