/**
 * Three workers as three endpoints of one cluster of a real Envoy, with the committed bootstrap: one that hangs or is killed is left out and
 * comes back, a reload reaches all, and none outlives the process that watches them.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { metricTotal } from "../../fault/metric.ts";
import { hasEnvoy, type RunningEnvoy, startEnvoy } from "../../harness/envoy.ts";
import { freePort } from "../../harness/free-port.ts";
import { rawRequest, sendRaw } from "../../harness/raw-http.ts";
import { startRecordingUpstream } from "../../harness/recording-upstream.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { startLoneDecision, token } from "./lone-decision.ts";

const COUNT = 3;
const VICTIM = 2;
/** With three endpoints in turn, one that still has its turn would be met. */
const IN_A_ROW = 12;

((await hasEnvoy()) ? describe : describe.skip)("three workers behind Envoy", () => {
  const owned = new AsyncDisposableStack();
  const ports: number[] = [];
  const opsUrls: string[] = [];
  let decision: Decision;
  let envoy: RunningEnvoy;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "workers-"));
    owned.defer(() => rm(folder, { recursive: true, force: true }));
    const opsPorts: number[] = [];
    for (let worker = 0; worker < COUNT; worker += 1) {
      ports.push(await freePort());
      opsPorts.push(await freePort());
    }
    opsUrls.push(...opsPorts.map((port) => `http://127.0.0.1:${port}`));
    const further = { workers: COUNT, workerPorts: ports, workerOpsPorts: opsPorts };
    decision = owned.use(await startLoneDecision({ folder, name: "decision", further }));
    const upstream = owned.use(await startRecordingUpstream());
    const exchanged = new Map<number, number | readonly number[]>([
      [9191, ports],
      [8081, upstream.port],
    ]);
    envoy = owned.use(await startEnvoy({ bootstrap: "enforcers/envoy/native.yaml", ports: exchanged }));
    await waitUntil("all workers to serve", 30_000, allServe);
  }, 90_000);
  afterAll(() => owned.disposeAsync());

  async function read(): Promise<number> {
    return (await sendRaw(envoy.port, rawRequest("GET", "/orders/42", [`authorization: Bearer ${token()}`]))).status;
  }

  const served = async (worker: number) =>
    metricTotal(opsUrls[worker - 1] ?? "", "countersign_decision_decisions_total").catch(() => 0);

  async function allServe(): Promise<boolean> {
    const before = await Promise.all(ports.map((_, at) => served(at + 1)));
    for (let sent = 0; sent < IN_A_ROW; sent += 1) await read();
    const after = await Promise.all(ports.map((_, at) => served(at + 1)));
    return after.every((count, at) => count > (before[at] ?? 0));
  }

  async function isLeftOut(): Promise<boolean> {
    for (let sent = 0; sent < IN_A_ROW; sent += 1) if ((await read()) !== 200) return false;
    return true;
  }

  /** Of the latest start. */
  async function pidOf(worker: number): Promise<number> {
    const starts = (await decision.log()).split("\n").filter((line) => line.includes('"event":"worker_started"'));
    const own = starts.filter((line) => line.includes(`"worker":"${worker}"`));
    return Number(/"pid":(\d+)/.exec(own.at(-1) ?? "")?.[1]);
  }

  async function readiness(): Promise<string> {
    return (await fetch(`${decision.opsUrl}/readyz`)).text();
  }

  test("one that hangs is left out while the others answer; killed, it is started again and has its turn again", async () => {
    const pid = await pidOf(VICTIM);
    process.kill(pid, "SIGSTOP");
    await waitUntil("Envoy to leave out the worker that hangs", 10_000, isLeftOut);
    expect(await readiness()).toContain(`worker ${VICTIM} does not answer`);
    expect((await fetch(`${decision.opsUrl}/readyz`)).status).toBe(200);

    process.kill(pid, "SIGKILL");
    await waitUntil("the worker that was killed to serve again", 30_000, allServe);
    expect(await pidOf(VICTIM)).not.toBe(pid);
    const starts = async (worker: number) =>
      metricTotal(decision.opsUrl, "countersign_decision_worker_starts_total", { worker: String(worker) });
    expect([await starts(VICTIM), await starts(1)]).toEqual([2, 1]);
  }, 90_000);

  test("SIGHUP reaches every worker", async () => {
    decision.reload();
    await waitUntil("every worker to have reloaded", 10_000, async () => {
      const lines = (await decision.log()).split("\n").filter((line) => line.includes('"part":"listen_tls"'));
      return ports.every((_, at) => lines.some((line) => line.includes(`"instance":"decision-${at + 1}"`)));
    });
  }, 30_000);

  test("none outlives the process that watches them: neither its SIGKILL nor its SIGTERM", async () => {
    const gone = async () => {
      const asked = await Promise.allSettled(opsUrls.map((url) => fetch(`${url}/healthz`)));
      return asked.every(({ status }) => status === "rejected");
    };
    await decision.kill();
    await waitUntil("the workers to end after their watcher", 20_000, gone);
    expect(await read()).toBe(503);
    await decision.start();
    expect(await decision.stop()).toBe(0);
    expect(await gone()).toBe(true);
  }, 90_000);
});
