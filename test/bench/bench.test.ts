/**
 * That benchmarks still run and fill their tables: each as short as it can be, its figures looked at by nobody. Not among them are policy
 * (its runaway evaluation comes once in ten seconds), policy-soak, bundle-swap and start. What is measured stands in docs/performance.md and comes
 * from `npm run bench`.
 */
import { expect, test } from "@jest/globals";
import { hasOpa } from "../harness/made-bundle.ts";
import { measureApproval } from "./approval/approval.ts";
import { measureAudit } from "./audit/audit.ts";
import { benchAuthzen } from "./authzen/authzen.ts";
import { wholeChecks } from "./check/check.ts";
import { inMemory } from "./check/in-memory.ts";
import { NOT_BOUND } from "./cores.ts";
import { benchIdentity } from "./identity/identity.ts";
import type { Bench, Rig } from "./run-bench.ts";
import { benchServing } from "./serving/serving.ts";
import { benchShadow } from "./shadow.ts";
import { benchStalls } from "./stalls/stalls.ts";

const RIG: Rig = { cores: NOT_BOUND, progress: () => {} };
const SHORTEST = { rounds: 1, seconds: 0.2, minutes: 0.005, repeats: 1, part: undefined };

/** Markdown with a figure in every cell that should have one. */
function expectFigures(text: string): void {
  expect(text).toMatch(/^\| .*\d.* \|$/m);
  expect(text).not.toMatch(/NaN|undefined|Infinity/);
}

test.each<[string, Bench]>([
  ["identity", benchIdentity],
  ["serving", benchServing],
  ["shadow", benchShadow],
  ["stalls", benchStalls],
])(
  "%s runs",
  async (name, bench) => {
    const section = await bench(SHORTEST, RIG);
    expect(section.name).toBe(name);
    expectFigures(section.text);
  },
  60_000,
);

/** And four rows at a quarter of saturation. */
function expectQuarter(text: string): void {
  expectFigures(text);
  expect(text).toContain(
    "At a quarter of its own saturation, arrivals at a fixed rate: medians of 1 interleaved rounds",
  );
  expect(text.match(/^\| [^|]+ \| [\d,.]+(?: \| [\d,.]+ \([\d,.]+ to [\d,.]+\)){4} \|$/gm)).toHaveLength(4);
}

test("check runs", async () => {
  expectQuarter(await wholeChecks(SHORTEST, RIG));
  expectFigures(await inMemory(SHORTEST, RIG.progress, 2_000));
}, 120_000);

((await hasOpa()) ? test : test.skip)(
  "authzen runs",
  async () => {
    expectQuarter((await benchAuthzen(SHORTEST, RIG)).text);
  },
  60_000,
);

test("approval runs on a stream in Postgres", async () => {
  const text = await measureApproval(undefined, { ...SHORTEST, repeats: 4 }, RIG);
  expectFigures(text);
  expect(text.match(/^\| (?:bare UPDATE.*|redemption over gRPC) \|(?: [-\d.,]+ \|){7}$/gm)).toHaveLength(3);
}, 120_000);

test("audit runs on a stream in Postgres", async () => {
  expectFigures(await measureAudit(undefined, { rounds: 1, repeats: 300 }, RIG));
}, 120_000);
