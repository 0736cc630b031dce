import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createStateView } from "./state-view.ts";

const hash = (key: string, version: number) => BigInt(version) * 1_000_003n + BigInt(key.charCodeAt(0));
const record = (key: string, version: number) => ({
  key,
  version,
  recordHash: hash(key, version),
  value: `${key}${version}`,
});

describe("state view", () => {
  test("an older record never replaces a newer one", () => {
    const view = createStateView<string>();
    view.apply(record("a", 2));
    expect(view.apply(record("a", 1))).toEqual({ kind: "older" });
    expect(view.get("a")).toBe("a2");
  });

  test("a null that anybody could have written does not bring an older record back", () => {
    const view = createStateView<string>();
    view.apply(record("a", 2));
    view.tombstone("a");
    expect(view.apply(record("a", 1))).toEqual({ kind: "older" });
    expect(view.get("a")).toBeUndefined();
    expect(view.setHash()).toBe(0n);
  });

  test("the newest record repairs what a forged null took", () => {
    const view = createStateView<string>();
    view.apply(record("a", 2));
    view.tombstone("a");
    view.apply(record("a", 2));
    expect(view.get("a")).toBe("a2");
    expect(view.setHash()).toBe(hash("a", 2));
  });

  test("a record whose payload cannot be read counts in the set and holds nothing", () => {
    const view = createStateView<string>();
    view.apply({ ...record("a", 1), value: undefined });
    expect(view.get("a")).toBeUndefined();
    expect(view.setHash()).toBe(hash("a", 1));
  });

  test("the sum of the hashes wraps at 2^256, on the way up and on the way down", () => {
    const view = createStateView<string>();
    const top = (1n << 256n) - 1n;
    view.apply({ ...record("a", 1), recordHash: top });
    view.apply({ ...record("b", 1), recordHash: 3n });
    expect(view.setHash()).toBe(2n);
    view.tombstone("a");
    expect(view.setHash()).toBe(3n);
    view.apply({ ...record("c", 1), recordHash: top });
    view.apply({ ...record("c", 2), recordHash: 5n });
    expect(view.setHash()).toBe(8n);
  });

  test("of the tombstoned keys the last 100,000 are remembered, each from its last tombstone on", () => {
    const view = createStateView<string>();
    const bury = (key: string, version: number) => {
      view.apply(record(key, version));
      view.tombstone(key);
    };
    bury("oldest", 2);
    bury("again", 2);
    for (let n = 1; n < 50_000; n += 1) bury(`k${n}`, 2);
    bury("again", 3);
    for (let n = 50_000; n <= 100_000; n += 1) bury(`k${n}`, 2);
    expect(view.apply(record("again", 2))).toEqual({ kind: "older" });
    expect(view.apply(record("k2", 1))).toEqual({ kind: "older" });
    // From here on the set hash alone guards it: it is in the set again, and the relay's set has it not.
    expect(view.apply(record("oldest", 1)).kind).toBe("applied");
    expect(view.setHash()).not.toBe(0n);
  });

  test("the set hash depends on the newest versions alone, not on order or repetition", () => {
    const keys = fc.constantFrom("a", "b", "c");
    const records = fc.array(fc.tuple(keys, fc.integer({ min: 1, max: 5 })), { maxLength: 20 });
    fc.assert(
      fc.property(records, fc.integer(), (list, seed) => {
        const one = createStateView<string>();
        const other = createStateView<string>();
        for (const [key, version] of list) one.apply(record(key, version));
        const shuffled = [...list, ...list].sort((a, b) => ((a[1] * 31 + seed) % 7) - ((b[1] * 31 + seed) % 7));
        for (const [key, version] of shuffled) other.apply(record(key, version));
        expect(other.setHash()).toBe(one.setHash());
        for (const key of ["a", "b", "c"]) expect(other.get(key)).toBe(one.get(key));
      }),
    );
  });
});
