/**
 * Compares the last record of each key on the state topic with what the relay has published, and says which keys have to be repaired. Compaction
 * keeps the last record of a key, so a replayed older record, a forged null or an unsigned value in last place is what a restarting reader would
 * get. Running readers notice by the set hash; this finds the key.
 *
 * A key is judged when one of the relay's own heartbeats is read: everything published before that heartbeat has then been read, so a last record
 * that still differs is wrong and not merely in transit. Keys published after that heartbeat wait for the next.
 *
 * Whether the database is behind the topic is judged by the highest version that stood there, not by the last: a null, a replayed record, or what this
 * term has published since would hide it. NB: it stays hidden where the database has counted up to that version again before it is judged, and of a key
 * that was removed, by whomever, before this term began, and more than 100,000 others since.
 */
import type { Instant } from "../../../core/domain/time.ts";
import { createHighestVersions } from "./highest-versions.ts";

/**
 * What a record was: a signed one with its version, a null, or one that no reader takes. `readable` is whether a reader holds something
 * under it: a payload of another major version counts in the set, and yet leaves a live grant closed.
 */
type SeenRecord =
  | { readonly kind: "signed"; readonly version: number; readonly readable: boolean }
  | { readonly kind: "tombstone" }
  | { readonly kind: "refused" };

type Repair = {
  /** Published and not tombstoned, but its last record is another one, unreadable or missing: publish it again. */
  readonly republish: readonly string[];
  /** Not in the set, but its last record is a signed one: remove it again. */
  readonly remove: readonly string[];
  /** A newer record of it was read than the one that was published: the database was set back behind the topic. */
  readonly ahead: readonly { readonly key: string; readonly version: number }[];
};

export type TopicView = {
  /** One record of the topic, heartbeats aside, in the topic's order. */
  seen(key: string, record: SeenRecord): void;
  /** The topic is being read from its beginning again. */
  restart(): void;
  /** A term of leadership begins with this set: nothing is judged before its own first heartbeat. */
  begin(published: ReadonlyMap<string, number>): void;
  /** The relay published this version, or a tombstone (undefined), and it was acknowledged. */
  published(key: string, version: number | undefined): void;
  heartbeatSent(databaseTime: Instant): void;
  /** A heartbeat with a valid signature was read. Returns the keys to repair, each once until it was published again. */
  heartbeatRead(databaseTime: Instant): Repair;
};

const NOTHING: Repair = { republish: [], remove: [], ahead: [] };

export function createTopicView(): TopicView {
  const last = new Map<string, SeenRecord>();
  /** Held for keys of the set, and for those whose last record is a signed one. */
  const highest = createHighestVersions();
  let set = new Map<string, number>();
  /** Keys whose last record may differ from the set; the others were compared and are equal. */
  let doubtful = new Set<string>();
  /** Number of the heartbeat that follows the publication of a key. */
  let publishedBefore = new Map<string, number>();
  let numberOf = new Map<Instant, number>();
  let sent = 0;

  function isRight(key: string): boolean {
    const seen = last.get(key);
    const version = set.get(key);
    if (version === undefined) return seen === undefined || seen.kind !== "signed";
    return seen?.kind === "signed" && seen.readable && seen.version === version;
  }

  /**
   * The highest version that was read, if it is above the published one. NB: what a former leader published and did not mark is not meant: this
   * term has published that row before its first heartbeat, at that version or a later one.
   */
  function aboveSet(key: string): number | undefined {
    const version = set.get(key);
    return version !== undefined && highest.of(key) > version ? highest.of(key) : undefined;
  }

  return {
    seen(key, record) {
      // NB: only signed records are kept, and only possibly wrong keys are judged; otherwise a process that never leads would remember every key.
      if (record.kind === "signed") {
        last.set(key, record);
        highest.hold(key, record.version);
      } else {
        last.delete(key);
        if (!set.has(key)) highest.letGo(key);
      }
      if (last.has(key) || set.has(key)) doubtful.add(key);
      else if (!publishedBefore.has(key)) doubtful.delete(key);
    },
    restart() {
      last.clear();
      highest.holdOnly((key) => set.has(key));
      doubtful = new Set(set.keys());
    },
    begin(published) {
      set = new Map(published);
      for (const [key, version] of set) highest.hold(key, version);
      highest.holdOnly((key) => set.has(key) || last.has(key));
      doubtful = new Set([...set.keys(), ...last.keys()]);
      publishedBefore = new Map();
      numberOf = new Map();
      sent = 0;
    },
    published(key, version) {
      if (version === undefined) {
        set.delete(key);
        if (!last.has(key)) highest.letGo(key);
      } else {
        set.set(key, version);
        highest.hold(key, version);
      }
      publishedBefore.set(key, sent + 1);
      doubtful.add(key);
    },
    heartbeatSent(databaseTime) {
      sent += 1;
      if (!numberOf.has(databaseTime)) numberOf.set(databaseTime, sent);
    },
    heartbeatRead(databaseTime) {
      const number = numberOf.get(databaseTime);
      if (number === undefined) return NOTHING;
      for (const [time, older] of numberOf) if (older <= number) numberOf.delete(time);
      const republish: string[] = [];
      const remove: string[] = [];
      const ahead: { key: string; version: number }[] = [];
      for (const key of doubtful) {
        if ((publishedBefore.get(key) ?? 0) > number) continue;
        doubtful.delete(key);
        publishedBefore.delete(key);
        const newer = aboveSet(key);
        if (newer !== undefined) ahead.push({ key, version: newer });
        else if (isRight(key)) {
          if (!set.has(key)) {
            last.delete(key);
            highest.letGo(key);
          }
        } else if (set.has(key)) republish.push(key);
        else remove.push(key);
      }
      return { republish, remove, ahead };
    },
  };
}
