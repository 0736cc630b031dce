/** The sum that `npm start` prints never passes for all when a process is missing in it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { expect, test } from "@jest/globals";
import { memoryOf, memoryText } from "./memory.ts";

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
/** Somebody else's, unless this is a container that runs as the user of the test. */
const isForeign = isRoot || (await stat("/proc/1")).uid !== process.getuid?.();
const NAME = "a process that may not be read is counted as such, and the text says so";

(isForeign ? test : test.skip)(isForeign ? NAME : `${NAME} (needs a process of somebody else)`, async () => {
  if (isRoot) process.seteuid?.(NOBODY);
  const memory = await memoryOf([1]).finally(() => isRoot && process.seteuid?.(0));
  expect(memory?.unreadable).toBeGreaterThan(0);
  expect(memoryText(memory)).toMatch(/^\d+ MB, without (one process|\d+ processes) whose memory cannot be read\.$/);
});

test("what has ended is no process that cannot be read, and takes nothing", async () => {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  expect(await memoryOf([child.pid ?? 0])).toEqual({ megabytes: 0, unreadable: 0 });
});

test("a sum of everything is called so, and where nothing is known nothing is said", async () => {
  const own = await memoryOf([process.pid]);
  expect(own).toEqual({ megabytes: expect.any(Number), unreadable: 0 });
  expect(own?.megabytes).toBeGreaterThan(10);
  expect(memoryText(own)).toBe(`${own?.megabytes} MB in all.`);
  expect(memoryText({ megabytes: 5, unreadable: 1 })).toBe("5 MB, without one process whose memory cannot be read.");
  expect(memoryText(undefined)).toBe("");
});
