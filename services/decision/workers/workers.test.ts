/** Workers that are told SIGHUP while they start: programs of a few lines, deaf until a file is there. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { systemClock } from "../../../platform/clock.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { startWorkers } from "./workers.ts";

const WORKER = `
import { appendFileSync, existsSync } from "node:fs";
const [said, hears] = process.argv.slice(2);
const say = (what) => appendFileSync(said, what + "\\n");
say("started");
const cell = new Int32Array(new SharedArrayBuffer(4));
while (!existsSync(hears)) Atomics.wait(cell, 0, 0, 10);
process.on("SIGHUP", () => say("hung up"));
process.on("disconnect", () => process.exit());
process.send("hears");`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "workers-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("one that does not hear SIGHUP yet is not ended by it, and is told as soon as it does", async () => {
  const [file, said, hears] = [join(folder, "worker.mjs"), join(folder, "said"), join(folder, "hears")];
  await writeFile(file, WORKER);
  const stopping = new AbortController();
  await using owned = new AsyncDisposableStack();
  const workers = owned.use(
    startWorkers(
      {
        log: createLog({ name: "test", level: "silent" }),
        metrics: createMetrics({ prefix: "t_" }),
        monotonicMs: systemClock.monotonicMs,
        signal: stopping.signal,
        stop: () => stopping.abort(),
      },
      {
        plans: [{ number: 1, port: 0, opsPort: 0, apiPort: undefined, grpcPort: undefined, env: {} }],
        file,
        args: [said, hears],
        killAfterMs: 60_000,
      },
    ),
  );
  owned.defer(() => stopping.abort());
  const lines = async () => (await readFile(said, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
  await waitUntil("the worker to start", 60_000, async () => (await lines()).length > 0);
  workers.hangUp();
  await writeFile(hears, "");
  await waitUntil("the worker to say something else", 60_000, async () => (await lines()).length > 1);
  expect(await lines()).toEqual(["started", "hung up"]);
  workers.hangUp();
  await waitUntil("the worker to be told again", 60_000, async () => (await lines()).length > 2);
  expect(await lines()).toEqual(["started", "hung up", "hung up"]);
});
