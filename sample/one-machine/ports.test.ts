import { expect, test } from "@jest/globals";
import { choosePorts } from "./ports.ts";

test("two sets that start at the same time never have a port in common, although no program of theirs listens yet", async () => {
  const sets = await Promise.all([choosePorts(), choosePorts(), choosePorts(true)]);
  const all = sets.flatMap(({ ports }) => Object.values(ports));
  expect(new Set(all).size).toBe(all.length);
  // A usual one that is not had is told of.
  for (const { ports, moved } of sets.slice(0, 2)) {
    for (const { usual, port } of moved) {
      expect(Object.values(ports)).toContain(port);
      expect(Object.values(ports)).not.toContain(usual);
    }
  }
  for (const set of sets) await set[Symbol.asyncDispose]();
});
