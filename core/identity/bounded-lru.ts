/**
 * A map that forgets the least recently used entry once it holds too many entries or bytes. Order of use is a linked list, not the order of the
 * Map: asking a Map for its first key costs something for each key deleted before it, which in a full map of 20,000 entries is 15 µs for each new
 * one. So using an entry does not touch the Map either.
 */
interface BoundedLru<V> {
  get(key: string): V | undefined;
  set(key: string, value: V, bytes: number): void;
  delete(key: string): void;
  /**
   * Forgets what is over: from the entry that was used longest ago to the first one that is not over, and at most so many. NB: one that is over and
   * was used later than that one remains until its turn.
   */
  forgetOver(isOver: (value: V) => boolean, atMost: number): void;
  size(): { readonly entries: number; readonly bytes: number };
}

type Entry<V> = {
  readonly key: string;
  readonly value: V;
  readonly bytes: number;
  /** Used last before this one, and next after it. */
  older: Entry<V> | undefined;
  newer: Entry<V> | undefined;
};

/** `bytes` are what the caller says of each entry; one beyond `maxBytes` is not kept at all. */
export function createBoundedLru<V>(limits: { readonly maxEntries: number; readonly maxBytes: number }): BoundedLru<V> {
  const entries = new Map<string, Entry<V>>();
  let oldest: Entry<V> | undefined;
  let newest: Entry<V> | undefined;
  let total = 0;

  /** NB: what is taken out leads nowhere, or one that is old and dead would keep the next ones in memory until a mark-compact. */
  function takeOut(entry: Entry<V>): void {
    const { older, newer } = entry;
    if (older === undefined) oldest = newer;
    else older.newer = newer;
    if (newer === undefined) newest = older;
    else newer.older = older;
    entry.older = undefined;
    entry.newer = undefined;
  }

  function putAtEnd(entry: Entry<V>): void {
    entry.older = newest;
    if (newest === undefined) oldest = entry;
    else newest.newer = entry;
    newest = entry;
  }

  function remove(entry: Entry<V> | undefined): void {
    if (entry === undefined) return;
    takeOut(entry);
    entries.delete(entry.key);
    total -= entry.bytes;
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined || entry === newest) return entry?.value;
      takeOut(entry);
      putAtEnd(entry);
      return entry.value;
    },
    set(key, value, bytes) {
      remove(entries.get(key));
      if (bytes > limits.maxBytes) return;
      const entry: Entry<V> = { key, value, bytes, older: undefined, newer: undefined };
      putAtEnd(entry);
      entries.set(key, entry);
      total += bytes;
      while (entries.size > limits.maxEntries || total > limits.maxBytes) remove(oldest);
    },
    delete: (key) => remove(entries.get(key)),
    forgetOver(isOver, atMost) {
      for (let gone = 0; gone < atMost && oldest !== undefined && isOver(oldest.value); gone += 1) remove(oldest);
    },
    size: () => ({ entries: entries.size, bytes: total }),
  };
}
