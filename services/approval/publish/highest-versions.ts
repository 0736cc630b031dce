/**
 * The highest version of each key for which a signed record was read, whatever stands last there now: a null or an older record behind it does not
 * unsay it. Kept for every key that is held, and for the keys that were let go last; the others would only grow.
 */

/** Of keys that were let go; beyond it the oldest are forgotten. */
const LET_GO = 100_000;

type HighestVersions = {
  /** Holds the key at this version or the highest one known. */
  hold(key: string, version: number): void;
  /** Lets go of those held keys that are not `wanted`, and holds no other. */
  holdOnly(wanted: (key: string) => boolean): void;
  letGo(key: string): void;
  /** 0 for a key that is not known. */
  of(key: string): number;
};

export function createHighestVersions(mostLetGo = LET_GO): HighestVersions {
  const held = new Map<string, number>();
  const gone = new Map<string, number>();
  const of = (key: string) => held.get(key) ?? gone.get(key) ?? 0;

  function letGo(key: string): void {
    const version = held.get(key);
    if (version === undefined) return;
    held.delete(key);
    gone.set(key, version);
    if (gone.size <= mostLetGo) return;
    const oldest = gone.keys().next();
    if (oldest.done !== true) gone.delete(oldest.value);
  }

  return {
    of,
    letGo,
    hold(key, version) {
      held.set(key, Math.max(version, of(key)));
      gone.delete(key);
    },
    holdOnly(wanted) {
      for (const key of held.keys()) if (!wanted(key)) letGo(key);
    },
  };
}
