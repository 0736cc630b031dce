/**
 * Three workers as three endpoints of one cluster of a real Envoy, with the committed bootstrap: one that hangs or is killed is left out and
 * comes back, a reload reaches all, and none outlives the process that watches them.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { metricTotal } from "../../harness/metrics.ts";
import { hasEnvoy } from "../../harness/envoy.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { pidOfWorker, startWorkersBehindEnvoy, type WorkersBehindEnvoy } from "./workers-behind-envoy.ts";

const WORKERS = [1, 2, 3];
const VICTIM = 2;
/** With three endpoints in turn, one that still has its turn would be met. */
const IN_A_ROW = 12;

((await hasEnvoy()) ? describe : describe.skip)("three workers behind Envoy", () => {
  let behind: WorkersBehindEnvoy;

  beforeAll(async () => {
    behind = await startWorkersBehindEnvoy(WORKERS.length);
    await waitUntil("all workers to serve", 30_000, allServe);
  });
  afterAll(async () => {
    await behind?.[Symbol.asyncDispose]();
  });

  async function allServe(): Promise<boolean> {
    const before = await Promise.all(WORKERS.map(behind.served));
    for (let sent = 0; sent < IN_A_ROW; sent += 1) await behind.read();
    const after = await Promise.all(WORKERS.map(behind.served));
    return after.every((count, at) => count > (before[at] ?? 0));
  }

  async function isLeftOut(): Promise<boolean> {
    for (let sent = 0; sent < IN_A_ROW; sent += 1) if ((await behind.read()) !== 200) return false;
    return true;
  }

  async function readiness(): Promise<string> {
    return (await fetch(`${behind.decision.opsUrl}/readyz`)).text();
  }

  test("one that hangs is left out while the others answer; killed, it is started again and has its turn again", async () => {
    const { decision } = behind;
    const pid = await pidOfWorker(decision, VICTIM);
    process.kill(pid, "SIGSTOP");
    await waitUntil("Envoy to leave out the worker that hangs", 30_000, isLeftOut);
    await waitUntil("the watcher to say so", 30_000, async () =>
      (await readiness()).includes(`worker ${VICTIM} does not answer`),
    );
    expect((await fetch(`${decision.opsUrl}/readyz`)).status).toBe(200);

    process.kill(pid, "SIGKILL");
    await waitUntil("the worker that was killed to serve again", 30_000, allServe);
    expect(await pidOfWorker(decision, VICTIM)).not.toBe(pid);
    const starts = async (worker: number) =>
      metricTotal(decision.opsUrl, "countersign_decision_worker_starts_total", { worker: String(worker) });
    expect([await starts(VICTIM), await starts(1)]).toEqual([2, 1]);
  });

  test("SIGHUP reaches every worker", async () => {
    const { decision } = behind;
    decision.reload();
    await waitUntil("every worker to have reloaded", 30_000, async () => {
      const lines = (await decision.log()).split("\n").filter((line) => line.includes('"part":"listen_tls"'));
      return WORKERS.every((worker) => lines.some((line) => line.includes(`"instance":"decision-${worker}"`)));
    });
  });

  test("none outlives the process that watches them: neither its SIGKILL nor its SIGTERM", async () => {
    const { decision, opsUrls, read } = behind;
    const gone = async () => {
      const asked = await Promise.allSettled(opsUrls.map((url) => fetch(`${url}/healthz`)));
      return asked.every(({ status }) => status === "rejected");
    };
    await decision.kill();
    await waitUntil("the workers to end after their watcher", 30_000, gone);
    expect(await read()).toBe(503);
    await decision.start();
    expect(await decision.stop()).toBe(0);
    expect(await gone()).toBe(true);
  });
});
