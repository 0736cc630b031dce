/**
 * Starts jest for some of the tests and reads its result file. Which of those that a user's arguments select, it is told by `testMatch` alone, so
 * `npm test -- anything jest understands` keeps working.
 *
 * jest itself never ends while a test leaves a socket or timer open. That would hang CI, so a jest that has written its
 * results and does not end within half a minute is stopped and reported as `didNotExit`, a failure. So is one that does not
 * get on with a file, with its name (`stuck-file.ts`).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseResults } from "./parse-results.ts";
import { type StuckFile, stuckFile } from "./stuck-file.ts";
import type { TestRun } from "./summary.ts";
import { heavyFolders, jestFile, nodeArgs } from "./test-files.ts";

const LEAK = /MaxListenersExceededWarning/;

/** Heavy tests start real servers, on a machine that others use too; unit tests keep what package.json says. */
const heavyTimeoutMs = 180_000;
const exitGraceMs = 30_000;
const lookForStuckMs = 10_000;

type JestOptions = {
  readonly kind: TestRun["kind"];
  /** All of them; only for those that are heavy. */
  readonly files: readonly string[];
  readonly root: string;
  readonly userArgs: readonly string[];
  readonly outputFile: string;
  /** Where programs that tests start leave what they say. */
  readonly logFolder: string;
  readonly isCi: boolean;
};

export async function runJest({
  kind,
  files,
  root,
  userArgs,
  outputFile,
  logFolder,
  isCi,
}: JestOptions): Promise<TestRun> {
  const begin = performance.now();
  await rm(outputFile, { force: true }); // an old one would read as "has written its results"
  const warnings = `${outputFile}.warnings`;
  await rm(warnings, { force: true });
  const running = `${outputFile}.running`;
  await rm(running, { recursive: true, force: true });
  await mkdir(running);
  const split =
    kind === "unit"
      ? ["--maxWorkers=2", ...ignored().map((pattern) => `--testPathIgnorePatterns=${pattern}`)]
      : [
          "--maxWorkers=1",
          `--testTimeout=${heavyTimeoutMs}`,
          ...files.map((file) => `--testMatch=<rootDir>/${path.relative(root, file)}`),
        ];
  const child = spawn(
    process.execPath,
    [
      ...nodeArgs,
      `--redirect-warnings=${warnings}`, // of jest and its workers, not of what tests start
      jestFile(root),
      ...userArgs,
      "--json",
      `--outputFile=${outputFile}`,
      ...(isCi ? ["--ci"] : []),
      "--setupFilesAfterEnv=<rootDir>/scripts/test-run/name-test-file.js",
      ...(isCi
        ? [
            "--setupFilesAfterEnv=<rootDir>/scripts/test-run/once-more.js",
            `--env=${path.join(root, "scripts/test-run/patient-environment.js")}`,
          ]
        : []),
      ...split,
    ],
    // stdout would carry the JSON a second time.
    {
      cwd: root,
      stdio: ["inherit", "ignore", "inherit"],
      env: { ...process.env, TEST_LOGS: logFolder, TEST_RUNNING: running, TEST_RUN: String(process.pid) },
    },
  );
  const exited = once(child, "exit").then(([code]) => ({ kind: "exited", code: Number(code ?? 1) }) as const);
  const outcome = await Promise.race([exited, hung(outputFile, exited), stuck(running, exited)]);
  if (outcome.kind === "stuck" && outcome.by.pid !== child.pid) kill(outcome.by.pid);
  if (outcome.kind !== "exited") {
    child.kill("SIGKILL");
    await exited;
  }
  await rm(running, { recursive: true, force: true });
  const text = await readFile(outputFile, "utf8").catch(() => undefined);
  const warned = await readFile(warnings, "utf8").catch(() => "");
  process.stderr.write(warned);
  return {
    kind,
    seconds: (performance.now() - begin) / 1000,
    results: text === undefined ? undefined : parseResults(text),
    didNotExit: outcome.kind === "hung",
    stuckAt: outcome.kind === "stuck" ? outcome.by.file : undefined,
    leaks: warned.split("\n").filter((line) => LEAK.test(line)),
    exitCode: outcome.kind === "exited" ? outcome.code : 1,
  };
}

/** Settles when a file has been begun too long ago; never when jest ends by itself. */
async function stuck(folder: string, exited: Promise<unknown>): Promise<{ readonly kind: "stuck"; by: StuckFile }> {
  const gone = new AbortController();
  void exited.then(() => gone.abort());
  while (!gone.signal.aborted) {
    await delay(lookForStuckMs, undefined, { signal: gone.signal }).catch(() => {});
    const by = gone.signal.aborted ? undefined : await stuckFile(folder, Date.now());
    if (by !== undefined) return { kind: "stuck", by };
  }
  return new Promise(() => {});
}

/** A worker that is in a loop does not notice that jest is gone. */
function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {} // ended since
}

/** Settles when the results have been there for a while and jest still runs; never when jest ends by itself. */
async function hung(outputFile: string, exited: Promise<unknown>): Promise<{ readonly kind: "hung" }> {
  const gone = new AbortController();
  void exited.then(() => gone.abort());
  while (!gone.signal.aborted) {
    await delay(1_000, undefined, { signal: gone.signal }).catch(() => {});
    const isWritten = await access(outputFile).then(
      () => true,
      () => false,
    );
    if (!isWritten || gone.signal.aborted) continue;
    await delay(exitGraceMs, undefined, { signal: gone.signal }).catch(() => {});
    if (!gone.signal.aborted) return { kind: "hung" };
  }
  return new Promise(() => {});
}

function ignored(): readonly string[] {
  return ["/node_modules/", "/fixtures/", `<rootDir>/test/(${heavyFolders.join("|")})/`];
}
