/**
 * Whether "memory stays flat" (mutated-checks.test.ts) means something: the same service, sound and with a planted leak of some 200 bytes for each call
 * (leak-per-call.ts), measured in the same way. A sound one is below the bound, and the planted leak is seen for what it is.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sampleCheck } from "../../bench/check/sample-check.ts";
import { growthOver, HEAP_AFTER_GC, LEAK_PER_CALL, LEAKING_BYTES } from "../../harness/held-bytes.ts";
import { startLoneDecision, token } from "./lone-decision.ts";
import { createRawEnforcer, expectAllowed } from "./raw-checks.ts";

const ROUNDS = { warmUp: 2_000, rounds: 10, calls: 1_000 };
const AT_ONCE = 32;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "leaking-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Bytes for each check. */
async function growthOf(name: string, preload: readonly string[]): Promise<number> {
  await using service = await startLoneDecision({ folder, name, preload: [HEAP_AFTER_GC, ...preload] });
  const enforcer = createRawEnforcer(service.port);
  const bytes = sampleCheck("GET", token());
  const run = (count: number) => expectAllowed(enforcer, bytes, { count, atOnce: AT_ONCE });
  try {
    return await growthOver(name, service, ROUNDS, run);
  } finally {
    enforcer.close();
  }
}

test("a sound service is below the bound, one that keeps 200 bytes of each call is far above it", async () => {
  const sound = await growthOf("sound", []);
  const leaking = await growthOf("leaking", [LEAK_PER_CALL]);
  expect(sound).toBeLessThan(LEAKING_BYTES);
  expect(leaking).toBeGreaterThan(LEAKING_BYTES);
  expect(leaking - sound).toBeGreaterThan(150);
  expect(leaking - sound).toBeLessThan(400);
}, 400_000);
