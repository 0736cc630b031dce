/**
 * A map that forgets what was used longest ago once it holds too many entries or too many bytes. A Map keeps insertion order, so using an
 * entry means putting it at the end.
 */
interface BoundedLru<V> {
  get(key: string): V | undefined;
  set(key: string, value: V, bytes: number): void;
  delete(key: string): void;
  size(): { readonly entries: number; readonly bytes: number };
}

/** `bytes` are what the caller says of each entry; one beyond `maxBytes` is not kept at all. */
export function createBoundedLru<V>(limits: { readonly maxEntries: number; readonly maxBytes: number }): BoundedLru<V> {
  const entries = new Map<string, { readonly value: V; readonly bytes: number }>();
  let total = 0;
  const remove = (key: string) => {
    total -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, bytes) {
      remove(key);
      if (bytes > limits.maxBytes) return;
      entries.set(key, { value, bytes });
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
