/**
 * What a reader of the state topic knows: for each key the highest version and its value, and the hash over the set of keys that are not
 * tombstoned. Order, repetition and age of records do not matter: the highest version of a key wins. A tombstone removes the value and the key
 * from the set, but the version is remembered, so that a null that anybody could have written cannot bring an older record back; after a restart
 * the set hash decides (docs/approval-lifecycle.md, "How the decision services learn of it").
 *
 * The view is changed in place, since it may hold a million grants; it has no other effect and reads no clock.
 */

/** The sum of the record hashes is taken modulo 2²⁵⁶, so it does not depend on the order of records. */
const SET_HASH_MODULUS = 1n << 256n;

/** Versions of tombstoned keys that are kept; beyond it the oldest go, and only the set hash guards those keys. */
const REMEMBERED_TOMBSTONES = 100_000;

type StateRecord<Value> = {
  readonly key: string;
  readonly version: number;
  /** SHA-256 over (key, version) as an integer, computed by the reader. */
  readonly recordHash: bigint;
  /** Undefined when the signature was good but the payload cannot be read: it counts, and holds nothing. */
  readonly value: Value | undefined;
};

export type Applied<Value> =
  | { readonly kind: "applied"; readonly before: Value | undefined; readonly after: Value | undefined }
  | { readonly kind: "older" };

export type StateView<Value> = {
  /** Takes a record with a good signature. `older` when a higher version of the key is known. */
  apply(record: StateRecord<Value>): Applied<Value>;
  /** Takes a null value, signed or not. */
  tombstone(key: string): Applied<Value>;
  get(key: string): Value | undefined;
  setHash(): bigint;
  readonly size: number;
};

type Entry<Value> = { version: number; recordHash: bigint; value: Value | undefined };

export function createStateView<Value>(): StateView<Value> {
  const entries = new Map<string, Entry<Value>>();
  const tombstoned = new Map<string, number>();
  let setHash = 0n;

  function remember(key: string, version: number): void {
    tombstoned.set(key, version);
    if (tombstoned.size <= REMEMBERED_TOMBSTONES) return;
    const oldest = tombstoned.keys().next();
    if (oldest.done !== true) tombstoned.delete(oldest.value);
  }

  return {
    apply({ key, version, recordHash, value }) {
      const known = entries.get(key);
      if (version < (known?.version ?? tombstoned.get(key) ?? 0)) return { kind: "older" };
      tombstoned.delete(key);
      entries.set(key, { version, recordHash, value });
      setHash = addModulo(setHash - (known?.recordHash ?? 0n) + recordHash);
      return { kind: "applied", before: known?.value, after: value };
    },

    tombstone(key) {
      const known = entries.get(key);
      if (known === undefined) return { kind: "older" };
      entries.delete(key);
      remember(key, known.version);
      setHash = addModulo(setHash - known.recordHash);
      return { kind: "applied", before: known.value, after: undefined };
    },

    get: (key) => entries.get(key)?.value,
    setHash: () => setHash,
    get size() {
      return entries.size;
    },
  };
}

function addModulo(sum: bigint): bigint {
  return ((sum % SET_HASH_MODULUS) + SET_HASH_MODULUS) % SET_HASH_MODULUS;
}
