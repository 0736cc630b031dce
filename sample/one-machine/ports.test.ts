import { createServer } from "node:net";
import { once } from "node:events";
import { expect, test } from "@jest/globals";
import { choosePorts } from "./ports.ts";

test("two sets that start at the same time never have a port in common, although no program of theirs listens yet", async () => {
  const sets = await Promise.all([choosePorts(), choosePorts(), choosePorts({ any: true })]);
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

test("where the second address of this machine is not there, as on macOS, ports are chosen without being claimed", async () => {
  // RFC 5737: no machine's.
  const claimsAt = "192.0.2.1";
  await using set = await choosePorts({ any: true, claimsAt });
  const ports = Object.values(set.ports);
  expect(new Set(ports).size).toBe(ports.length);
  const taken = createServer().listen(set.ports.gateway, "127.0.0.1");
  await once(taken, "listening");
  await using other = await choosePorts({ any: true, claimsAt });
  expect(Object.values(other.ports)).not.toContain(set.ports.gateway);
  await taken[Symbol.asyncDispose]();
});

test("an address that is none is an error and not a port that is taken", async () => {
  await expect(choosePorts({ claimsAt: "nowhere.invalid" })).rejects.toThrow();
});
