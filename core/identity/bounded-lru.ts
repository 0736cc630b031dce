/**
 * A map that forgets what was used longest ago once it holds too many entries or too many bytes. A Map keeps insertion order, so using an
 * entry means putting it at the end; that is left out for one that is near the end already (`NEAR_END`), since V8 rewrites the table of a Map
 * that is added to and taken from all the time, and an old table keeps the next ones until a mark-compact. So while nothing new comes, using
 * entries changes nothing.
 */
interface BoundedLru<V> {
  get(key: string): V | undefined;
  set(key: string, value: V, bytes: number): void;
  delete(key: string): void;
  size(): { readonly entries: number; readonly bytes: number };
}

type Entry<V> = {
  readonly value: V;
  readonly bytes: number;
  /** How many had been put at the end by then, it among them. */
  putAt: number;
};

/** Of what may be held: an entry is forgotten by so much earlier than the order of use would have it, at most. */
const NEAR_END = 1 / 16;

/** `bytes` are what the caller says of each entry; one beyond `maxBytes` is not kept at all. */
export function createBoundedLru<V>(limits: { readonly maxEntries: number; readonly maxBytes: number }): BoundedLru<V> {
  const entries = new Map<string, Entry<V>>();
  let total = 0;
  let put = 0;
  const remove = (key: string) => {
    total -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (put - entry.putAt <= entries.size * NEAR_END) return entry.value;
      entries.delete(key);
      put += 1;
      entry.putAt = put;
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, bytes) {
      remove(key);
      if (bytes > limits.maxBytes) return;
      put += 1;
      entries.set(key, { value, bytes, putAt: put });
      total += bytes;
      for (const oldest of entries.keys()) {
        if (entries.size <= limits.maxEntries && total <= limits.maxBytes) break;
        remove(oldest);
      }
    },
    delete: remove,
    size: () => ({ entries: entries.size, bytes: total }),
  };
}
