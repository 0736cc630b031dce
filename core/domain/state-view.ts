/**
 * What a reader of the state topic knows: for each key the highest version and its value, and a sum over the set of keys that are not
 * tombstoned. Order, repetition and age of records do not matter: the highest version of a key wins. A tombstone removes the value and the key
 * from the set, but the version is remembered, so that a null that anybody could have written cannot bring an older record back; after a restart
 * the set's sum decides (docs/approval-lifecycle.md, "How the decision services learn of it").
 *
 * The view is changed in place, since it may hold a million grants; it has no other effect and reads no clock.
 */

/**
 * The set is the sum of the hashes of its records modulo 2 to this, so it does not depend on their order. NB: why so many bits: whoever can write
 * nulls and replay signed records chooses which of many known numbers are in the sum, and looks for a choice that changes what is said and not the
 * sum. With b bits that takes about 2^(2√b) steps by the generalised birthday (Wagner 2002, against AdHash): 2³² at 256 bits, which some ten
 * thousand keys allow; 2¹²⁸ at 4,096.
 */
export const SET_SUM_BITS = 4_096;

/** Versions of tombstoned keys that are kept; beyond it the oldest go, and only the set's sum guards those keys. */
const REMEMBERED_TOMBSTONES = 100_000;

type StateRecord<Value> = {
  readonly key: string;
  readonly version: number;
  /** Undefined when the signature was good but the payload cannot be read: it counts, and holds nothing. */
  readonly value: Value | undefined;
};

type Applied<Value> =
  | { readonly kind: "applied"; readonly before: Value | undefined; readonly after: Value | undefined }
  | { readonly kind: "older" };

export type StateView<Value> = {
  /** Takes a record with a good signature. `older` when a higher version of the key is known. */
  apply(record: StateRecord<Value>): Applied<Value>;
  /** Takes a null value, signed or not. */
  tombstone(key: string): Applied<Value>;
  get(key: string): Value | undefined;
  /** Of the hashes of all keys that are not tombstoned, at their versions. */
  sum(): bigint;
  readonly size: number;
};

type Entry<Value> = { version: number; value: Value | undefined };

/** `recordHash` spreads (key, version) over `SET_SUM_BITS` bits. */
export function createStateView<Value>(recordHash: (key: string, version: number) => bigint): StateView<Value> {
  const entries = new Map<string, Entry<Value>>();
  const tombstoned = new Map<string, number>();
  let sum = 0n;

  function remember(key: string, version: number): void {
    tombstoned.set(key, version);
    if (tombstoned.size <= REMEMBERED_TOMBSTONES) return;
    const oldest = tombstoned.keys().next();
    if (oldest.done !== true) tombstoned.delete(oldest.value);
  }

  return {
    apply({ key, version, value }) {
      const known = entries.get(key);
      if (version < (known?.version ?? tombstoned.get(key) ?? 0)) return { kind: "older" };
      tombstoned.delete(key);
      entries.set(key, { version, value });
      if (version !== known?.version) {
        const gone = known === undefined ? 0n : recordHash(key, known.version);
        sum = BigInt.asUintN(SET_SUM_BITS, sum - gone + recordHash(key, version));
      }
      return { kind: "applied", before: known?.value, after: value };
    },

    tombstone(key) {
      const known = entries.get(key);
      if (known === undefined) return { kind: "older" };
      entries.delete(key);
      remember(key, known.version);
      sum = BigInt.asUintN(SET_SUM_BITS, sum - recordHash(key, known.version));
      return { kind: "applied", before: known.value, after: undefined };
    },

    get: (key) => entries.get(key)?.value,
    sum: () => sum,
    get size() {
      return entries.size;
    },
  };
}
