/**
 * Two workers as two endpoints of one cluster of a real Envoy, with the committed bootstrap, restarted one after the other under load that does not
 * let up: nobody is answered anything but 200. Envoy asks for health once a second, so a worker that closed its port as soon as it was told to
 * end would be sent every other call for up to that long.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { hasEnvoy } from "../../harness/envoy.ts";
import { pidOfWorker, startWorkersBehindEnvoy, type WorkersBehindEnvoy } from "./workers-behind-envoy.ts";

const WORKERS = [1, 2];
const CALLERS = 4;
/** As shipped. */
const NOTICE_MS = 2_000;

((await hasEnvoy()) ? describe : describe.skip)("a rolling restart behind Envoy", () => {
  let behind: WorkersBehindEnvoy;

  beforeAll(async () => {
    behind = await startWorkersBehindEnvoy(WORKERS.length, { noticeMs: NOTICE_MS });
  }, 90_000);
  afterAll(async () => {
    await behind?.[Symbol.asyncDispose]();
  });

  test("each worker ends when it is told to and comes back, and every call is answered 200", async () => {
    const { decision, read, served } = behind;
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
        const before = await pidOfWorker(decision, worker);
        process.kill(before, "SIGTERM");
        await waitUntil(`worker ${worker} to have ended and to serve again`, 40_000, async () => {
          return (await pidOfWorker(decision, worker)) !== before && (await served(worker)) > 0;
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
