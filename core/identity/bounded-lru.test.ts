import { expect, test } from "@jest/globals";
import { createBoundedLru } from "./bounded-lru.ts";

test("what was used longest ago is forgotten first, however long ago it came", () => {
  const lru = createBoundedLru<number>({ maxEntries: 3, maxBytes: 100 });
  for (const [at, key] of ["a", "b", "c"].entries()) lru.set(key, at, 1);
  expect(lru.get("a")).toBe(0);
  lru.set("d", 3, 1);
  expect(["a", "b", "c", "d"].map((key) => lru.get(key))).toEqual([0, undefined, 2, 3]);
});

test("an entry that is always used stays, whatever comes and goes beside it", () => {
  const lru = createBoundedLru<number>({ maxEntries: 160, maxBytes: 10_000 });
  lru.set("always", 1, 1);
  for (let at = 0; at < 10_000; at += 1) {
    lru.set(`once ${at}`, at, 1);
    expect(lru.get("always")).toBe(1);
  }
  expect(lru.size()).toEqual({ entries: 160, bytes: 160 });
  expect(lru.get(`once ${10_000 - 150}`)).toBeDefined();
  expect(lru.get(`once ${10_000 - 170}`)).toBeUndefined();
});

test("neither more bytes than may be held are kept, nor one entry beyond them, and what is replaced counts once", () => {
  const lru = createBoundedLru<string>({ maxEntries: 10, maxBytes: 100 });
  lru.set("a", "first", 60);
  lru.set("a", "second", 50);
  expect(lru.size()).toEqual({ entries: 1, bytes: 50 });
  lru.set("b", "", 60);
  expect(lru.get("a")).toBeUndefined();
  lru.set("c", "", 101);
  expect(lru.get("c")).toBeUndefined();
  lru.delete("b");
  expect(lru.size()).toEqual({ entries: 0, bytes: 0 });
});
