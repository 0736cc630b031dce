/**
 * SIGHUP to real processes while they start: from the moment that a program's own code runs it does not end the process, and one reload follows when
 * all is there. It is sent by a module that is loaded before the program, as soon as anything is asked for that is not its first step.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { nodeOptions } from "../../platform/programs/launch/node-options.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { freePort } from "../harness/free-port.ts";
import type { Decision } from "../harness/system/decision.ts";
import { startLoneDecision } from "./decision/lone-decision.ts";
import { pidOfWorker } from "./decision/workers-behind-envoy.ts";

const ROOT = join(import.meta.dirname, "../..");
const HANG_UP = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  import { isMainThread } from "node:worker_threads";
  const FIRST = /\\/(main|early-hang-up)\\.ts$/;
  let isSent = !isMainThread;
  registerHooks({
    load(url, context, next) {
      if (!isSent && url.startsWith("file:") && !FIRST.test(url)) {
        isSent = true;
        process.kill(process.pid, "SIGHUP");
      }
      return next(url, context);
    },
  });`)}`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hang-up-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Line = { readonly event?: string; readonly part?: string; readonly instance?: string };

async function linesOf(decision: Decision): Promise<readonly Line[]> {
  const lines = (await decision.log()).split("\n");
  return lines.flatMap((line): Line[] => (line.startsWith("{") ? [JSON.parse(line)] : []));
}

test.each(["services/decision/main.ts", "services/approval/main.ts", "enforcers/node/main.ts"])(
  "%s is not ended by it, but says itself what is wrong with its configuration",
  async (main) => {
    const args = [...(await nodeOptions()), "--import", HANG_UP, join(ROOT, main), "--config", "/nowhere"];
    const { status, signal, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8", env: {} });
    expect({ status, signal, stderr }).toMatchObject({ status: 78, signal: null });
  },
);

test("a decision service becomes ready, and has reloaded once, every part", async () => {
  await using decision = await startLoneDecision({ folder, name: "early", preload: [HANG_UP] });
  const reloaded = async (part: string) =>
    (await linesOf(decision)).filter((line) => line.event === "reloaded" && line.part === part).length;
  await waitUntil("the last part to be reloaded", 30_000, async () => (await reloaded("listen_tls")) > 0);
  expect(await reloaded("configuration")).toBe(1);
  expect(await decision.stop()).toBe(0);
});

test("a worker that is being restarted is not ended by one that its watcher gets, and reloads too", async () => {
  const [workerPorts, workerOpsPorts] = [
    [await freePort(), await freePort()],
    [await freePort(), await freePort()],
  ];
  const further = { workers: 2, workerPorts, workerOpsPorts };
  await using decision = await startLoneDecision({ folder, name: "watched", further });
  const pid = await pidOfWorker(decision, 1);
  process.kill(pid, "SIGKILL");
  await waitUntil("the worker to be started again", 30_000, async () => (await pidOfWorker(decision, 1)) !== pid);
  decision.reload();
  await waitUntil("both workers to have reloaded", 60_000, async () => {
    const lines = (await linesOf(decision)).filter(({ event, part }) => event === "reloaded" && part === "listen_tls");
    return ["watched-1", "watched-2"].every((name) => lines.some(({ instance }) => instance === name));
  });
  const ended = (await linesOf(decision)).filter(({ event }) => event === "worker_ended");
  expect(ended).toMatchObject([{ signal: "SIGKILL" }]);
});
