/** The killer on a program that only pretends: what is not reached is told by name, and what a death interrupts is waited for. */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { crashInTurn } from "./crash-everywhere.ts";
import { armedFile, reachedFile, unnamedFile } from "./reach.ts";

let folder: string;
let configPath: string;
let running = true;
const program = {
  name: "approval",
  get configPath() {
    return configPath;
  },
  isRunning: () => running,
  async start() {
    running = true;
  },
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "crash-points-"));
  configPath = join(folder, "approval.yaml");
  running = true;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function dieThere(): Promise<void> {
  if ((await readFile(armedFile(configPath), "utf8")) === "cancel before commit") running = false;
}

test("a point that its work does not reach is a fault that names both, is disarmed, and the next one follows", async () => {
  async function doNothing() {}
  const points = [
    ["seal after commit", doNothing],
    ["cancel before commit", dieThere],
  ] as const;
  const { crashes, faults } = await crashInTurn(undefined, program, points, { reachedMs: 500 });
  expect(faults).toEqual(['Error: waited 500 ms in vain for approval to reach "seal after commit" by doNothing']);
  expect(crashes).toMatchObject([{ service: "approval", point: "cancel before commit" }]);
  expect(existsSync(armedFile(configPath))).toBe(false);
});

test("work that a death interrupts is done to its end, and told where it fails", async () => {
  const done: string[] = [];
  const gate = Promise.withResolvers<void>();
  async function dieAndGoOn() {
    await dieThere();
    await gate.promise;
    done.push("to its end");
  }
  async function dieAndFail() {
    await dieThere();
    queueMicrotask(gate.resolve); // the other one goes on when both have died
    throw new Error("no text at id");
  }
  const points = [
    ["cancel before commit", dieAndGoOn],
    ["cancel before commit", dieAndFail],
  ] as const;
  const { crashes, faults } = await crashInTurn(undefined, program, points);
  expect(crashes).toHaveLength(2);
  expect(done).toEqual(["to its end"]);
  expect(faults).toEqual(['approval to reach "cancel before commit" by dieAndFail: Error: no text at id']);
});

test("what a program wrote that has no name is a fault, and so is a point that it came to and nobody kills at", async () => {
  await writeFile(unnamedFile(configPath), "statement: delete from outbox\nstatement: delete from outbox\n");
  await writeFile(reachedFile(configPath), "cancel before commit\ncancel refused before commit\n");
  const { faults } = await crashInTurn(undefined, program, [["cancel before commit", dieThere]]);
  expect(faults).toEqual([
    "approval did what has no name: statement: delete from outbox",
    "approval did what has no name: cancel refused before commit",
  ]);
});
