import { expect, test } from "@jest/globals";
import { PassingMap } from "./passing-map.ts";

test("is the Map that Node would have, through many renewals: every member answers what a Map's does", () => {
  const passing = new PassingMap<number, string>();
  const plain = new Map<number, string>();
  for (let key = 0; key < 5_000; key += 1) {
    for (const map of [passing, plain]) {
      map.set(key, `v${key}`);
      map.set(7, `seven at ${key}`);
      if (key % 3 > 0) map.delete(key - 20);
    }
    expect(passing.delete(-1)).toBe(false);
    expect(passing.size).toBe(plain.size);
  }
  expect(plain.size).toBeGreaterThan(1_000);
  const walked: unknown[] = [];
  passing.forEach(function (this: unknown, value, key, map) {
    walked.push([key, value, map === passing, this]);
  }, "it");
  expect(walked).toEqual([...plain].map(([key, value]) => [key, value, true, "it"]));
  expect([...passing]).toEqual([...plain]);
  expect([...passing.entries()]).toEqual([...plain.entries()]);
  expect([...passing.keys()]).toEqual([...plain.keys()]);
  expect([...passing.values()]).toEqual([...plain.values()]);
  expect([passing.get(7), passing.has(7), passing.get(-1), passing.has(-1)]).toEqual([
    plain.get(7),
    true,
    undefined,
    false,
  ]);
  passing.clear();
  expect([passing.size, [...passing], passing.get(7)]).toEqual([0, [], undefined]);
});

/** A member that V8 adds one day would act on the empty Map that a PassingMap is beside the one that it has. */
test("leaves no member of Map out", () => {
  const members = Reflect.ownKeys(Map.prototype).filter((name) => name !== Symbol.toStringTag);
  const own = Reflect.ownKeys(PassingMap.prototype);
  expect(members.filter((name) => !own.includes(name))).toEqual([]);
});

test("what is deleted while it is walked is not visited", () => {
  const passing = new PassingMap<number, number>();
  for (let key = 0; key < 1_000; key += 1) passing.set(key, key);
  const visited: unknown[] = [];
  passing.forEach((_, key) => {
    visited.push(key);
    passing.delete(key + 1);
  });
  expect(visited).toEqual(Array.from({ length: 500 }, (_, at) => 2 * at));
});
