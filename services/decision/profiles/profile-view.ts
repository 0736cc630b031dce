/**
 * The profiles of accounts that this process knows, as policies see them. They are read from the state topic beside grants and incidents, but
 * independently: no heartbeat vouches for profiles, and nothing waits for them. There may be more than can be verified during a start, so records
 * are put aside, the last of each key, and verified a few at a time. Until then, and when more accounts are announced than are kept, an account
 * has no profile.
 *
 * The highest version wins as long as its key is known here; of one that was signed and cannot be read nothing is held, and of the one before it neither.
 * NB: whoever can write to the topic but not sign can remove a profile, or put back an old one of an account that was forgotten here; `as_of` says how
 * old it is.
 */
import type { Json, Subject } from "../../../core/domain/subject.ts";
import { createBoundedLru } from "../../../core/identity/bounded-lru.ts";
import { type EnvelopeFault, openEnvelope } from "../../../core/messages/envelope.ts";
import { unknownVersion } from "../../../core/messages/parse.ts";
import { PROFILE_VERSION, profileId, profileKey, readProfile } from "../../../core/messages/profile-record.ts";
import type { Verifier } from "../../../core/messages/signing.ts";
import type { StreamRecord } from "../../../platform/stream/port.ts";

/** Outcome of a record; `not_kept`: there were too many at once, or it is of an earlier record version. */
export type ProfileOutcome = EnvelopeFault | "applied" | "older" | "unreadable" | "version_unknown" | "not_kept";

export type ProfileView = {
  /** Puts a record of the state topic aside to be verified; `count` is told what became of it. */
  take(key: string, record: StreamRecord, count: (outcome: ProfileOutcome) => void): void;
  find(subject: Subject): Json | undefined;
  /** Accounts with a profile. */
  readonly size: number;
};

/** Signatures verified before others get their turn: about a millisecond. */
const SLICE = 10;
/** On average; one with all hours, networks and countries is smaller than this. */
const BYTES_EACH = 4_096;
/** Parsed for the accounts that call most; for the others at each call. */
const PARSED = 2_000;

/** `text` is what policies get, as JSON; undefined after a null, and for what cannot be read. */
type Kept = { readonly version: number; readonly text: string | undefined };
type Waiting = { readonly record: StreamRecord; readonly count: (outcome: ProfileOutcome) => void };

export function createProfileView(
  { verifier }: { readonly verifier: Verifier },
  { deployment, maxSubjects }: { readonly deployment: string; readonly maxSubjects: number },
): ProfileView {
  const kept = createBoundedLru<Kept>({ maxEntries: maxSubjects, maxBytes: maxSubjects * BYTES_EACH });
  const parsed = createBoundedLru<{ readonly of: Kept; readonly json: Json }>({
    ...{ maxEntries: PARSED, maxBytes: Number.POSITIVE_INFINITY },
  });
  /** An account stays the same object as long as its token is remembered. */
  const keys = new WeakMap<Subject, string>();
  const waiting = new Map<string, Waiting>();

  function work(): void {
    let left = SLICE;
    for (const [key, { record, count }] of waiting) {
      waiting.delete(key);
      count(apply(key, record));
      left -= 1;
      if (left === 0) break;
    }
    if (waiting.size > 0) setImmediate(work);
  }

  function apply(key: string, record: StreamRecord): ProfileOutcome {
    const before = kept.get(key);
    if (record.value === null) {
      if (before?.text === undefined) return "older";
      kept.set(key, { version: before.version, text: undefined }, 0);
      return "tombstone";
    }
    const opened = openEnvelope(verifier, { deployment, topic: record.topic, key }, record);
    if (opened.kind === "fault") return opened.reason;
    const { version, payload } = opened;
    if (before !== undefined && before.version >= version) return "older";
    const read = readProfile(key, version, payload);
    if (read.kind === "malformed") {
      if (before !== undefined) kept.set(key, { version, text: undefined }, 0);
      const other = unknownVersion(payload, PROFILE_VERSION);
      if (other === undefined) return "unreadable";
      return other < PROFILE_VERSION ? "not_kept" : "version_unknown";
    }
    const { days, since, as_of, hours, networks, countries } = read.value;
    const text = JSON.stringify({ days, since, as_of, hours, networks, countries });
    kept.set(key, { version, text }, text.length);
    return "applied";
  }

  function keyOf(subject: Subject): string {
    const known = keys.get(subject);
    if (known !== undefined) return known;
    const key = profileKey(profileId({ issuer: subject.issuer, subject: subject.id }));
    keys.set(subject, key);
    return key;
  }

  return {
    take(key, record, count) {
      if (waiting.size === 0) setImmediate(work);
      waiting.delete(key);
      waiting.set(key, { record, count });
      for (const [oldest, { count: countOldest }] of waiting) {
        if (waiting.size <= maxSubjects) break;
        waiting.delete(oldest);
        countOldest("not_kept");
      }
    },
    find(subject) {
      const key = keyOf(subject);
      const found = kept.get(key);
      if (found?.text === undefined) return undefined;
      const known = parsed.get(key);
      if (known?.of === found) return known.json;
      const json: Json = JSON.parse(found.text);
      parsed.set(key, { of: found, json }, 0);
      return json;
    },
    get size() {
      return kept.size().entries;
    },
  };
}
