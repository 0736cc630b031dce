/**
 * Checks are garbage with their answers and do not become old, or full collections of the decision service would be a matter of seconds under load
 * (platform/passing-map.ts, platform/grpc/http2/deadlines.ts, platform/programs/launch/node-options.ts).
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { median } from "../../bench/figures.ts";
import { sampleCheck } from "../../bench/check/sample-check.ts";
import { say } from "../../fault/say.ts";
import { HEAP_AFTER_GC, heldBytes } from "../../harness/held-bytes.ts";
import { metricTotal } from "../../harness/metrics.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { startLoneDecision, token } from "./lone-decision.ts";
import { createRawEnforcer, expectAllowed } from "./raw-checks.ts";

/** By which all of the path is compiled; what is not leaves more behind. */
const WARM_UP = 20_000;
const CALLS = 8_000;
const ROUNDS = 3;
/** Of which so many may have a full collection in them. */
const MOST_ROUNDS = 10;
const AT_ONCE = 16;
/** Some 600 do. Without any one of the three measures it is 2,000 to 3,500. */
const MOST_BYTES = 1_200;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "young-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("of a check next to nothing becomes old", async () => {
  await using service = await startLoneDecision({ folder, name: "young", preload: [HEAP_AFTER_GC] });
  const enforcer = createRawEnforcer(service.port);
  const bytes = sampleCheck("GET", token());
  const run = (count: number) => expectAllowed(enforcer, bytes, { count, atOnce: AT_ONCE });
  const old = () => metricTotal(service.opsUrl, "nodejs_heap_space_size_used_bytes", { space: "old" });
  const collections = () => metricTotal(service.opsUrl, "nodejs_gc_duration_seconds_count", { kind: "major" });
  try {
    await run(WARM_UP);
    const each: number[] = [];
    for (let round = 0; round < MOST_ROUNDS && each.length < ROUNDS; round += 1) {
      const earlier = await collections();
      await heldBytes(service);
      await waitUntil("its collections to be counted", 20_000, async () => (await collections()) > earlier);
      const before = { old: await old(), collections: await collections() };
      expect(before.old).toBeGreaterThan(1e6);
      await run(CALLS);
      const grown = (await old()) - before.old;
      if ((await collections()) === before.collections) each.push(grown / CALLS);
    }
    say(`old of each check, where no full collection fell into the round: ${each.map(Math.round).join(", ")} bytes`);
    expect(each).toHaveLength(ROUNDS);
    expect(Math.min(...each)).toBeGreaterThan(0);
    expect(median(each)).toBeLessThan(MOST_BYTES);
  } finally {
    enforcer.close();
  }
}, 400_000);
