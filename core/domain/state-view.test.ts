import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createStateView, SET_SUM_BITS } from "./state-view.ts";

const hash = (key: string, version: number) => BigInt(version) * 1_000_003n + BigInt(key.charCodeAt(0));
const record = (key: string, version: number) => ({ key, version, value: `${key}${version}` });
const newView = (recordHash = hash) => createStateView<string>(recordHash);

describe("state view", () => {
  test("an older record never replaces a newer one", () => {
    const view = newView();
    view.apply(record("a", 2));
    expect(view.apply(record("a", 1))).toEqual({ kind: "older" });
    expect(view.get("a")).toBe("a2");
  });

  test("a null that anybody could have written does not bring an older record back", () => {
    const view = newView();
    view.apply(record("a", 2));
    view.tombstone("a");
    expect(view.apply(record("a", 1))).toEqual({ kind: "older" });
    expect(view.get("a")).toBeUndefined();
    expect(view.sum()).toBe(0n);
  });

  test("the newest record repairs what a forged null took, and counts once however often it comes", () => {
    const view = newView();
    view.apply(record("a", 2));
    view.tombstone("a");
    view.apply(record("a", 2));
    view.apply(record("a", 2));
    expect(view.get("a")).toBe("a2");
    expect(view.sum()).toBe(hash("a", 2));
  });

  test("a record whose payload cannot be read counts in the set and holds nothing", () => {
    const view = newView();
    view.apply({ ...record("a", 1), value: undefined });
    expect(view.get("a")).toBeUndefined();
    expect(view.sum()).toBe(hash("a", 1));
  });

  test("nulls chosen so that the lowest 256 bits of the sum stay the same change the sum", () => {
    const [half, whole] = [1n << 255n, 1n << 256n];
    const chosen = new Map([
      ["incident", half + 5n * whole],
      ["grant", half + 7n * whole],
      ["other", 9n],
    ]);
    const view = newView((key) => chosen.get(key) ?? 0n);
    for (const key of chosen.keys()) view.apply(record(key, 1));
    const before = view.sum();
    view.tombstone("incident");
    view.tombstone("grant");
    expect(BigInt.asUintN(256, view.sum())).toBe(BigInt.asUintN(256, before));
    expect(view.sum()).not.toBe(before);
  });

  test("the sum of the hashes wraps at its width, on the way up and on the way down", () => {
    const top = (1n << BigInt(SET_SUM_BITS)) - 1n;
    const hashes = new Map([
      ["a1", top],
      ["b1", 3n],
      ["c1", top],
      ["c2", 5n],
    ]);
    const view = newView((key, version) => hashes.get(`${key}${version}`) ?? 0n);
    view.apply(record("a", 1));
    view.apply(record("b", 1));
    expect(view.sum()).toBe(2n);
    view.tombstone("a");
    expect(view.sum()).toBe(3n);
    view.apply(record("c", 1));
    view.apply(record("c", 2));
    expect(view.sum()).toBe(8n);
  });

  test("of the tombstoned keys the last 100,000 are remembered, each from its last tombstone on", () => {
    const view = newView();
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
    // From here on the sum alone guards it: it is in the set again, and the relay's set has it not.
    expect(view.apply(record("oldest", 1)).kind).toBe("applied");
    expect(view.sum()).not.toBe(0n);
  });

  test("the sum depends on the newest versions alone, not on order or repetition", () => {
    const keys = fc.constantFrom("a", "b", "c");
    const records = fc.array(fc.tuple(keys, fc.integer({ min: 1, max: 5 })), { maxLength: 20 });
    fc.assert(
      fc.property(records, fc.integer(), (list, seed) => {
        const one = newView();
        const other = newView();
        for (const [key, version] of list) one.apply(record(key, version));
        const shuffled = [...list, ...list].sort((a, b) => ((a[1] * 31 + seed) % 7) - ((b[1] * 31 + seed) % 7));
        for (const [key, version] of shuffled) other.apply(record(key, version));
        expect(other.sum()).toBe(one.sum());
        for (const key of ["a", "b", "c"]) expect(other.get(key)).toBe(one.get(key));
      }),
    );
  });
});
