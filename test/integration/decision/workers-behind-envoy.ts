/** Workers of one decision service as endpoints of one cluster of a real Envoy, with the committed bootstrap. A worker is named by its number, from 1. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { metricTotal } from "../../harness/metrics.ts";
import { startEnvoy } from "../../harness/envoy.ts";
import { freePort } from "../../harness/free-port.ts";
import { rawRequest, sendRaw } from "../../harness/raw-http.ts";
import { startRecordingUpstream } from "../../harness/recording-upstream.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { startLoneDecision, token } from "./lone-decision.ts";

export type WorkersBehindEnvoy = AsyncDisposable & {
  readonly decision: Decision;
  /** In the order of the workers. */
  readonly opsUrls: readonly string[];
  /** The status of an honest call through Envoy. */
  read(): Promise<number>;
  /** What a worker has decided since its latest start: its only counter that grows with what Envoy sends it. 0 while it does not answer. */
  served(worker: number): Promise<number>;
};

export async function startWorkersBehindEnvoy(count: number, further: object = {}): Promise<WorkersBehindEnvoy> {
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "workers-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const [ports, opsPorts]: [number[], number[]] = [[], []];
  for (let worker = 1; worker <= count; worker += 1) {
    ports.push(await freePort());
    opsPorts.push(await freePort());
  }
  const workers = { workers: count, workerPorts: ports, workerOpsPorts: opsPorts };
  const decision = owned.use(
    await startLoneDecision({ folder, name: "decision", further: { ...workers, ...further } }),
  );
  const upstream = owned.use(await startRecordingUpstream());
  const exchanged = new Map<number, number | readonly number[]>([
    [9191, ports],
    [8081, upstream.port],
  ]);
  const envoy = owned.use(await startEnvoy({ bootstrap: "enforcers/envoy/native.yaml", ports: exchanged }));
  const opsUrls = opsPorts.map((port) => `http://127.0.0.1:${port}`);
  const all = owned.move();
  return {
    ...{ decision, opsUrls },
    async read() {
      return (await sendRaw(envoy.port, rawRequest("GET", "/orders/42", [`authorization: Bearer ${token()}`]))).status;
    },
    served: (worker) => metricTotal(opsUrls[worker - 1] ?? "", "countersign_decision_decisions_total").catch(() => 0),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Of a worker's latest start; NaN before the first. */
export async function pidOfWorker(decision: Pick<Decision, "log">, worker: number): Promise<number> {
  const starts = (await decision.log()).split("\n").filter((line) => line.includes('"event":"worker_started"'));
  const own = starts.filter((line) => line.includes(`"worker":"${worker}"`));
  return Number(/"pid":(\d+)/.exec(own.at(-1) ?? "")?.[1]);
}
