/** What nobody expects to fail fails: shipping goes on afterwards, and says so until it does. */
import { expect, test } from "@jest/globals";
import { createLog } from "../../../platform/log/log.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { createDrain } from "./drain.ts";

const PATIENCE_MS = 10_000;
const BATCH = { kind: "shipped", records: 1, bytes: 10, isFull: true } as const;

test("after an unexpected failure shipping says why it does not get on, tries again, and is well once it gets on", async () => {
  const said: string[] = [];
  const log = createLog({ name: "test", onEvent: (event) => said.push(event), destination: { write: () => {} } });
  const left = [BATCH, BATCH, BATCH];
  const shipped: (string | undefined)[] = [];
  const drain = createDrain({
    shipper: { next: () => Promise.resolve(left.shift() ?? { kind: "nothing" }) },
    log,
    onShipped() {
      shipped.push(drain.behind());
      if (shipped.length < 3) throw new Error("nobody expects this");
    },
  });
  await drain.run("empty", new AbortController().signal);
  expect(shipped).toEqual([undefined, expect.stringContaining("fails unexpectedly"), expect.stringContaining("fails")]);
  expect(said).toEqual(["decision_log_ship_failed"]);
  expect(drain.behind()).toBeUndefined();
});

test("the signal ends the wait for the next try", async () => {
  const over = new AbortController();
  const log = createLog({ name: "test", destination: { write: () => {} } });
  const drain = createDrain({
    shipper: { next: () => Promise.resolve(BATCH) },
    log,
    onShipped() {
      throw new Error("nobody expects this");
    },
  });
  const running = drain.run("stopped", over.signal);
  await waitUntil("shipping to have failed", PATIENCE_MS, async () => drain.behind() !== undefined);
  over.abort();
  await running;
  expect(drain.behind()).toContain("fails unexpectedly");
});
