/**
 * A Map for what comes and goes without end. V8 replaces the table of a Map every few additions and deletions, and each table leads to the next one.
 * Once one of them is old, which the one of a full collection is, all later ones outlive their use, and everything that stood in them becomes old with
 * them: the next full collection is a matter of seconds. So this one begins a new Map now and then, which no earlier table leads to.
 *
 * NB: begins empty; entries given to its constructor throw. Of what is added while `forEach` or an iterator is under way, some may not be seen; and of
 * what is deleted then, some may.
 */
/** At least so many additions apart: then copying what there is costs each of them next to nothing, and one chain of tables holds no more than that. */
const RENEWED_AFTER = 256;

export class PassingMap<K, V> extends Map<K, V> {
  #now = new Map<K, V>();
  #added = 0;

  override get size(): number {
    return this.#now.size;
  }

  override get(key: K): V | undefined {
    return this.#now.get(key);
  }

  override has(key: K): boolean {
    return this.#now.has(key);
  }

  /** Copies what there is after as many additions as that is, and 256 more. */
  override set(key: K, value: V): this {
    this.#added += 1;
    if (this.#added > RENEWED_AFTER + this.#now.size) {
      this.#added = 0;
      this.#now = new Map(this.#now);
    }
    this.#now.set(key, value);
    return this;
  }

  override delete(key: K): boolean {
    return this.#now.delete(key);
  }

  override clear(): void {
    this.#now = new Map();
  }

  override forEach(each: (value: V, key: K, map: Map<K, V>) => void, thisArg?: unknown): void {
    for (const [key, value] of this.#now) each.call(thisArg, value, key, this);
  }

  override entries(): MapIterator<[K, V]> {
    return this.#now.entries();
  }

  override keys(): MapIterator<K> {
    return this.#now.keys();
  }

  override values(): MapIterator<V> {
    return this.#now.values();
  }

  override [Symbol.iterator](): MapIterator<[K, V]> {
    return this.#now.entries();
  }
}
