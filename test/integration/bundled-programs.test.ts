/**
 * The bundles of our programs that a second start has. That programs work from them, all tests show that start some; here, that none is ever
 * stale. On a copy of the checkout, since sources are touched and bundles made anew.
 */
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, stat, utimes } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { INDEX, ROOT } from "../../platform/programs/launch/bundled-packages.js";
import { programFolder } from "../../platform/programs/launch/bundled-programs.js";
import { PROGRAMS } from "../../scripts/bundle-packages/programs.ts";
import { type CheckoutCopy, copyCheckout } from "../harness/checkout-copy.ts";

const LAUNCH = "./platform/programs/launch";

let copy: CheckoutCopy;

const folderOf = (main: string) => join(copy.root, relative(ROOT, programFolder(join(ROOT, main))));
const indexOf = (main: string) => join(folderOf(main), INDEX);
const madeAt = async (main: string) => (await stat(indexOf(main))).mtimeMs;

/** The programs that have no bundle, or one that no longer counts. */
function without(): unknown {
  const isWithout = `(main) => findBundledProgram(${JSON.stringify(`${copy.root}/`)} + main) === undefined`;
  const expression = `${JSON.stringify(PROGRAMS)}.filter(${isWithout})`;
  return copy.valueOf(`${LAUNCH}/bundled-programs.js`, ["findBundledProgram"], expression);
}

/** What a program of JavaScript says that is loaded before everything else, which the command line does not show. */
function spyOn(main: string, program: string): unknown {
  const args = ["--import", join(copy.root, LAUNCH, "quick-start.js"), main, "--config", "/nowhere"];
  const env = {
    NODE_DISABLE_COMPILE_CACHE: "1",
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(program)}`,
  };
  return JSON.parse(spawnSync(process.execPath, args, { cwd: copy.root, encoding: "utf8", env }).stdout);
}

beforeAll(async () => {
  copy = await copyCheckout();
  copy.run("scripts/bundle-packages.ts");
  await mkdir(`${folderOf(PROGRAMS[0])}.1.new`, { recursive: true }); // of a builder that was killed
  copy.run("scripts/bundle-programs.ts");
});
afterAll(async () => {
  await copy?.[Symbol.asyncDispose]();
});

test("every program has one, and there is nothing more to do", async () => {
  expect(without()).toEqual([]);
  expect(await readdir(dirname(folderOf(PROGRAMS[0])))).toHaveLength(PROGRAMS.length);
  const before = await Promise.all(PROGRAMS.map(madeAt));
  copy.run("scripts/bundle-programs.ts");
  expect(await Promise.all(PROGRAMS.map(madeAt))).toEqual(before);
});

test("a file that is touched, even if its content and its times stay, makes those stale that have it, and only those are made anew", async () => {
  const before = await Promise.all(PROGRAMS.map(madeAt));
  const source = join(copy.root, "services/decision/evaluate.ts");
  const { atime, mtime } = await stat(source);
  await utimes(source, atime, mtime);
  expect(without()).toEqual(["services/decision/main.ts"]);
  copy.run("scripts/bundle-programs.ts");
  expect(without()).toEqual([]);
  const after = await Promise.all(PROGRAMS.map(madeAt));
  expect(PROGRAMS.filter((_main, index) => after[index] !== before[index])).toEqual(["services/decision/main.ts"]);
});

test("a bundle is of every source that its program can load, and of how it was made", async () => {
  const { stamps } = JSON.parse(await readFile(indexOf("services/decision/main.ts"), "utf8"));
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

test("an error in a program names the line of its source", async () => {
  const main = "sample/orders-api/main.ts";
  const { entry } = JSON.parse(await readFile(indexOf(main), "utf8"));
  const url = JSON.stringify(pathToFileURL(join(folderOf(main), entry)).href);
  const program = `
    import { findSourceMap } from "node:module";
    import { fileURLToPath } from "node:url";
    process.on("exit", () => {
      const { payload } = findSourceMap(fileURLToPath(${url}));
      console.log(JSON.stringify(payload.sources.map((source) => new URL(source, ${url}).pathname)));
    });`;
  expect(spyOn(main, program)).toContain(join(copy.root, main));
});

test("a service hears SIGHUP before anything of it is loaded but its first step", () => {
  const program = `
    import { registerHooks } from "node:module";
    const deaf = [];
    registerHooks({
      load(url, context, next) {
        if (process.listenerCount("SIGHUP") === 0 && url.startsWith("file:")) deaf.push(url);
        return next(url, context);
      },
    });
    process.on("exit", () => console.log(JSON.stringify(deaf.filter((url) => !url.includes("/programs/launch/")).length)));`;
  for (const main of PROGRAMS.filter((one) => /^(services|enforcers)/.test(one))) {
    // Its main file, the piece that listens, and a few lines that the bundler adds. All in all it loads some thirty.
    expect([2, 3]).toContain(spyOn(main, program));
  }
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
});
