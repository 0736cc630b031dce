import fc from "fast-check";
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
  expect(lru.get(`once ${10_000 - 159}`)).toBeDefined();
  expect(lru.get(`once ${10_000 - 160}`)).toBeUndefined();
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

test("what is over is forgotten in the order of use up to one that is not, and no more at once than asked for", () => {
  const lru = createBoundedLru<number>({ maxEntries: 10, maxBytes: 100 });
  for (const [at, key] of ["a", "b", "c", "d", "e"].entries()) lru.set(key, at, 1);
  lru.get("a");
  const isOver = (value: number) => value !== 3;
  lru.forgetOver(isOver, 1);
  expect(["b", "c", "d", "e", "a"].map((key) => lru.get(key))).toEqual([undefined, 2, 3, 4, 0]);
  lru.forgetOver(isOver, 10);
  expect(lru.size()).toEqual({ entries: 3, bytes: 3 });
  expect(["c", "d", "e", "a"].map((key) => lru.get(key))).toEqual([undefined, 3, 4, 0]);
  lru.forgetOver(() => true, 10);
  expect(lru.size()).toEqual({ entries: 0, bytes: 0 });
  lru.set("f", 5, 1);
  expect(lru.get("f")).toBe(5);
});

test("whatever is set, used, replaced, deleted and forgotten, it holds what a list in the order of use would", () => {
  const lru = createBoundedLru<number>({ maxEntries: 8, maxBytes: 40 });
  let wanted: { readonly key: string; readonly value: number; readonly bytes: number }[] = [];
  const sum = () => wanted.reduce((bytes, one) => bytes + one.bytes, 0);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(15), fc.integer({ min: 1, max: 41 }))), (steps) => {
      for (const [at, [step, n, bytes]] of steps.entries()) {
        const key = `key ${n}`;
        if (step === 3) {
          lru.forgetOver((value) => value % 2 === 0, n % 4);
          for (let gone = 0; gone < n % 4 && (wanted[0]?.value ?? 1) % 2 === 0; gone += 1) wanted.shift();
          expect(lru.size()).toEqual({ entries: wanted.length, bytes: sum() });
          continue;
        }
        const held = wanted.find((one) => one.key === key);
        wanted = wanted.filter((one) => one !== held);
        if (step === 0) {
          expect(lru.get(key)).toBe(held?.value);
          if (held !== undefined) wanted.push(held);
        } else if (step === 1) {
          lru.set(key, at, bytes);
          if (bytes <= 40) wanted.push({ key, value: at, bytes });
          while (wanted.length > 8 || sum() > 40) wanted.shift();
        } else lru.delete(key);
        expect(lru.size()).toEqual({ entries: wanted.length, bytes: sum() });
      }
    }),
  );
});
