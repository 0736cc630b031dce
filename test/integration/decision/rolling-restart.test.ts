/**
 * Two workers as two endpoints of one cluster of a real Envoy, with the committed bootstrap, restarted one after the other under load that does not
 * let up: nobody is answered anything but 200. Envoy asks for health once a second, so a worker that closed its port as soon as it was told to
 * end would be sent every other call for up to that long.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { metricTotal } from "../../fault/metric.ts";
import { hasEnvoy, type RunningEnvoy, startEnvoy } from "../../harness/envoy.ts";
import { freePort } from "../../harness/free-port.ts";
import { rawRequest, sendRaw } from "../../harness/raw-http.ts";
import { startRecordingUpstream } from "../../harness/recording-upstream.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { startLoneDecision, token } from "./lone-decision.ts";

const WORKERS = [1, 2];
const CALLERS = 4;
/** As shipped. */
const NOTICE_MS = 2_000;

((await hasEnvoy()) ? describe : describe.skip)("a rolling restart behind Envoy", () => {
  const owned = new AsyncDisposableStack();
  const opsPorts: number[] = [];
  let decision: Decision;
  let envoy: RunningEnvoy;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "rolling-restart-"));
    owned.defer(() => rm(folder, { recursive: true, force: true }));
    const ports: number[] = [];
    for (const _worker of WORKERS) {
      ports.push(await freePort());
      opsPorts.push(await freePort());
    }
    const further = {
      workers: WORKERS.length,
      workerPorts: ports,
      workerOpsPorts: opsPorts,
      noticeMs: NOTICE_MS,
    };
    decision = owned.use(await startLoneDecision({ folder, name: "decision", further }));
    const upstream = owned.use(await startRecordingUpstream());
    const exchanged = new Map<number, number | readonly number[]>([
      [9191, ports],
      [8081, upstream.port],
    ]);
    envoy = owned.use(await startEnvoy({ bootstrap: "enforcers/envoy/native.yaml", ports: exchanged }));
  }, 90_000);
  afterAll(() => owned.disposeAsync());

  const read = async () =>
    (await sendRaw(envoy.port, rawRequest("GET", "/orders/42", [`authorization: Bearer ${token()}`]))).status;

  /** By its only counter that grows with what Envoy sends it; it begins at 0 with each start. */
  const served = (worker: number) =>
    metricTotal(`http://127.0.0.1:${opsPorts[worker - 1]}`, "countersign_decision_decisions_total").catch(() => 0);

  /** Of the latest start. */
  async function pidOf(worker: number): Promise<number> {
    const starts = (await decision.log()).split("\n").filter((line) => line.includes('"event":"worker_started"'));
    const own = starts.filter((line) => line.includes(`"worker":"${worker}"`));
    return Number(/"pid":(\d+)/.exec(own.at(-1) ?? "")?.[1]);
  }

  test("each worker ends when it is told to and comes back, and every call is answered 200", async () => {
    for (const worker of WORKERS) {
      await waitUntil(`worker ${worker} to serve`, 30_000, async () => (await read()) && (await served(worker)) > 0);
    }
    const answers = new Map<number, number>();
    let goesOn = true;
    const callers = Array.from({ length: CALLERS }, async () => {
      while (goesOn) {
        const status = await read();
        answers.set(status, (answers.get(status) ?? 0) + 1);
      }
    });
    try {
      for (const worker of WORKERS) {
        const before = await pidOf(worker);
        process.kill(before, "SIGTERM");
        await waitUntil(`worker ${worker} to have ended and to serve again`, 40_000, async () => {
          return (await pidOf(worker)) !== before && (await served(worker)) > 0;
        });
      }
    } finally {
      goesOn = false;
      await Promise.all(callers);
    }
    expect([...answers.keys()]).toEqual([200]);
    const log = await decision.log();
    expect(log).not.toContain('"signal":"SIGKILL"');
    expect(log).not.toContain("drain_incomplete");
  }, 120_000);
});
