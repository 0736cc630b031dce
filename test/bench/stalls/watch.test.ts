/** The watch in a process that blocks without computing, as a write to a slow disk does: what it excuses would not be found. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { Compile } from "typebox/compile";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { JUDGE_AFTER_MS, type Report, REPORT_FILE, ReportSchema, STALL_MS } from "./report.ts";

const WATCH = new URL("./watch.ts", import.meta.url).href;
const BLOCKED_MS = 200;
/** Waits for events, then blocks in a call of the system, then waits for events again. */
const PROGRAM = `
  const cell = new Int32Array(new SharedArrayBuffer(4));
  setTimeout(() => Atomics.wait(cell, 0, 0, ${BLOCKED_MS}), 500);
  setInterval(() => {}, 60_000);
`;
const read = Compile(ReportSchema);

async function watched(program: string): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), "watch-"));
  const child = spawn(process.execPath, ["--import", WATCH, "--eval", program], { cwd: folder, stdio: "inherit" });
  try {
    return await waitUntil("a judgement of what the program did", 20_000, async () => {
      const text = await readFile(join(folder, REPORT_FILE), "utf8").catch(() => "");
      const report = text === "" ? undefined : read.Parse(JSON.parse(text));
      return report !== undefined && report.watchedS * 1_000 > 2_000 + BLOCKED_MS + JUDGE_AFTER_MS && report;
    });
  } finally {
    child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

test("a call that blocks is a stall of our own, though the thread computes nothing, and a loop that waits for events is none", async () => {
  const { stalls } = await watched(PROGRAM);
  const [blocked] = stalls.filter(({ wallMs }) => wallMs >= BLOCKED_MS);
  expect(blocked?.ownMs).toBeGreaterThan(BLOCKED_MS - 2 * STALL_MS);
  expect(blocked?.cpuMs).toBeLessThan(BLOCKED_MS / 2);
  // Seconds of waiting lie before and behind it.
  expect(stalls.reduce((sum, { wallMs }) => sum + wallMs, 0)).toBeLessThan(1_000);
}, 40_000);
