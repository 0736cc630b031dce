import { mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { keepLogsBounded } from "./bounded-logs.ts";
import { followLog } from "./follow-log.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bounded-logs-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a log that is long goes on empty in the same file, what it said stands beside it, and who follows it misses nothing new; others stay, those of somebody else too", async () => {
  const path = join(folder, "one.log");
  await writeFile(join(folder, "short.log"), "short\n");
  for (const name of ["long.data", "somebody-elses.log"]) await writeFile(join(folder, name), "x".repeat(500));
  const heard: unknown[] = [];
  const stop = new AbortController();
  await using file = await open(path, "a");
  const following = followLog(path, (line) => heard.push(line.get("n")), stop.signal);
  const say = (n: number) => file.write(`${JSON.stringify({ n, text: "x".repeat(100) })}\n`);
  await waitUntil("the follower to hear a line", 5_000, async () => {
    await say(1);
    return heard.includes(1);
  });
  for (const n of [2, 3, 4]) await say(n);
  await waitUntil("the last line to be heard", 5_000, () => heard.includes(4));
  const bounding = keepLogsBounded(
    ["none.log", "short.log", "one.log"].map((name) => join(folder, name)),
    stop.signal,
    { maxBytes: 300, everyMs: 20 },
  );
  await waitUntil("the log to be empty", 5_000, async () => (await readFile(path, "utf8")) === "");
  expect((await readFile(`${path}.1`, "utf8")).trimEnd().split("\n").slice(-2)).toEqual(
    [3, 4].map((n) => expect.stringContaining(`{"n":${n},`)),
  );
  await waitUntil("a line in the emptied log to be heard", 5_000, async () => {
    await say(5);
    return heard.includes(5);
  });
  stop.abort();
  await Promise.all([following, bounding]);
  expect(await readFile(join(folder, "short.log"), "utf8")).toBe("short\n");
  for (const name of ["long.data", "somebody-elses.log"])
    expect(await readFile(join(folder, name), "utf8")).toHaveLength(500);
  expect((await readdir(folder)).toSorted()).toEqual([
    ...["long.data", "one.log", "one.log.1", "short.log", "somebody-elses.log"],
  ]);
});
