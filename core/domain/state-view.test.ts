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
