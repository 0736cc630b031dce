/** The bundles of our programs that a second start has. That programs work from them, all tests show that start some; here, that none is ever stale. */
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "@jest/globals";
import { INDEX, ROOT } from "../../platform/programs/launch/bundled-packages.js";
import { findBundledProgram, programFolder } from "../../platform/programs/launch/bundled-programs.js";
import { PROGRAMS } from "../../scripts/bundle-packages/programs.ts";

const QUICK_START = join(ROOT, "platform/programs/launch/quick-start.js");
const isFound = (main: string) => findBundledProgram(join(ROOT, main)) !== undefined;
const madeAt = async (main: string) => (await stat(join(programFolder(join(ROOT, main)), INDEX))).mtimeMs;

function run(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

/** What a program of JavaScript says that is loaded before everything else, which the command line does not show. */
function spyOn(main: string, program: string): unknown {
  const args = ["--import", QUICK_START, main, "--config", "/nowhere"];
  const env = {
    NODE_DISABLE_COMPILE_CACHE: "1",
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(program)}`,
  };
  return JSON.parse(spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8", env }).stdout);
}

beforeAll(async () => {
  run("scripts/bundle-packages.ts");
  await rm(dirname(programFolder(join(ROOT, PROGRAMS[0]))), { recursive: true, force: true });
  await mkdir(`${programFolder(join(ROOT, PROGRAMS[0]))}.1.new`, { recursive: true }); // of a builder that was killed
  run("scripts/bundle-programs.ts");
}, 120_000);

test("every program has one, and there is nothing more to do", async () => {
  expect(PROGRAMS.filter((main) => !isFound(main))).toEqual([]);
  expect(await readdir(dirname(programFolder(join(ROOT, PROGRAMS[0]))))).toHaveLength(PROGRAMS.length);
  const before = await Promise.all(PROGRAMS.map(madeAt));
  run("scripts/bundle-programs.ts");
  expect(await Promise.all(PROGRAMS.map(madeAt))).toEqual(before);
}, 60_000);

test("a file that is touched, even if its content and its times stay, makes those stale that have it, and only those are made anew", async () => {
  const before = await Promise.all(PROGRAMS.map(madeAt));
  const source = join(ROOT, "services/decision/evaluate.ts");
  const { atime, mtime } = await stat(source);
  await utimes(source, atime, mtime);
  expect(PROGRAMS.filter((main) => !isFound(main))).toEqual(["services/decision/main.ts"]);
  run("scripts/bundle-programs.ts");
  expect(PROGRAMS.filter((main) => !isFound(main))).toEqual([]);
  const after = await Promise.all(PROGRAMS.map(madeAt));
  expect(PROGRAMS.filter((_main, index) => after[index] !== before[index])).toEqual(["services/decision/main.ts"]);
}, 60_000);

test("a bundle is of every source that its program can load, and of how it was made", async () => {
  const { stamps } = JSON.parse(
    await readFile(join(programFolder(join(ROOT, "services/decision/main.ts")), INDEX), "utf8"),
  );
  expect(Object.keys(stamps)).toEqual(
    expect.arrayContaining([
      "services/decision/main.ts",
      "services/decision/main/supervise.ts", // loaded by some configurations only
      "platform/stream/platformatic.ts",
      "scripts/bundle-programs.ts",
      "node_modules/.package-lock.json",
    ]),
  );
});

test("an error in a program names the line of its source", () => {
  const main = "sample/orders-api/main.ts";
  const { bundle } = findBundledProgram(join(ROOT, main)) ?? {};
  const program = `
    import { findSourceMap } from "node:module";
    import { fileURLToPath } from "node:url";
    process.on("exit", () => {
      const { payload } = findSourceMap(fileURLToPath(${JSON.stringify(bundle?.url)}));
      console.log(JSON.stringify(payload.sources.map((source) => new URL(source, ${JSON.stringify(bundle?.url)}).pathname)));
    });`;
  expect(spyOn(main, program)).toContain(join(ROOT, main));
});

test("a program loads none of our sources but what was loaded before it", () => {
  const program = `
    import { registerHooks } from "node:module";
    const files = new Set();
    registerHooks({ load: (url, context, next) => (files.add(url), next(url, context)) });
    process.on("exit", () => console.log(JSON.stringify([...files].filter((url) => url.endsWith(".ts")))));`;
  for (const main of PROGRAMS.filter((one) => one.endsWith("main.ts"))) {
    expect({ main, loaded: spyOn(main, program) }).toEqual({ main, loaded: [] });
  }
}, 60_000);
