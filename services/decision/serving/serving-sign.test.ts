import { afterEach, expect, test } from "@jest/globals";
import { createLog } from "../../../platform/log/log.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { createServingSign } from "./serving-sign.ts";

const NOTICE_MS = 300;
const log = createLog({ name: "test", level: "silent" });

let stop = new AbortController();
afterEach(() => {
  stop.abort();
  stop = new AbortController();
});

function sign(noticeMs = NOTICE_MS) {
  const said: boolean[] = [];
  let ready = true;
  const { leave, health } = createServingSign(
    { canJudge: () => ready, say: (yes) => said.push(yes), log, signal: stop.signal },
    { noticeMs },
  );
  return { said, leave, health, become: (yes: boolean) => (ready = yes) };
}

test("what is ready no longer is NOT_SERVING until it is ready again, and what has not changed is not said again", async () => {
  const { said, become } = sign();
  expect(said).toEqual([true]);
  become(false);
  await waitUntil("NOT_SERVING to be said", 30_000, () => said.length === 2);
  become(true);
  await waitUntil("SERVING to be said", 30_000, () => said.length === 3);
  expect(said).toEqual([true, false, true]);
});

test("who is told to end says so at once, and ends no sooner than everybody has had the time to hear it", async () => {
  const { said, leave, health, become } = sign();
  expect(health().status).toBe("ok");
  const from = performance.now();
  const left = leave();
  expect([said, health().status]).toEqual([[true, false], "failed"]);
  // Readiness that comes and goes meanwhile calls nobody back.
  become(false);
  await left;
  become(true);
  expect(performance.now() - from).toBeGreaterThanOrEqual(NOTICE_MS - 1);
  expect(said).toEqual([true, false]);
});

test("without a notice, and when the end begins all the same, nobody is waited for", async () => {
  await sign(0).leave();
  const left = sign(600_000).leave();
  stop.abort();
  await left;
});
