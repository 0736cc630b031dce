/**
 * `npm run bench -- bundle-swap`: the decision service under load at a quarter of its own saturation, some seconds quiet and some in which a new
 * bundle is signed, read, verified, compiled, tried and swapped in, in turn; once with another module, once with other data only. What
 * counts: no check that fails, and the p99 with the swap beside that of the quiet ones in the same round. A swap that was not over while it
 * was measured is done again.
 */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { BundleFiles } from "../../core/policy/bundles/bundle-files.ts";
import { bundleKey, changed, sampleFiles, signedArchive } from "../harness/signed-bundle.ts";
import type { Decision } from "../harness/system/decision.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { startLoneDecision, token } from "../integration/decision/lone-decision.ts";
import { checks, closed, open } from "./check/check-load.ts";
import { measuredDecision } from "./check/full-service.ts";
import { sampleCheck } from "./check/sample-check.ts";
import { goal, median, shown, table } from "./figures.ts";
import { type Run, runFreely, runLoad } from "./load/run-load.ts";
import type { Bench } from "./run-bench.ts";

const ROUNDS = 5;
/** A swap takes less than one on an idle machine. */
const SECONDS = 2;
const TRIES = 4;
/** After the generator has begun: it is up and warm, and what is measured has just begun. */
const SWAP_AFTER_MS = 1_700;
const RATIO_GOAL = 2;
const described = Compile(
  Type.Object({ active: Type.Object({ revision: Type.String(), activated_at: Type.String() }) }),
);

/** NB: signed in steps of a second, so that each is newer than the one before. */
let issuedAt = Math.floor(Date.now() / 1_000) - 3_600;

export const benchBundleSwap: Bench = async ({ rounds = ROUNDS }, { cores, progress }) => {
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "bench-bundle-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const sample = await sampleFiles();
  const key = bundleKey("policy-1");
  const archive = join(folder, "bundle.tar.gz");
  await writeFile(join(folder, "policy-1.pem"), key.publicPem);
  const write = async (files: BundleFiles) => {
    issuedAt += 1;
    await writeFile(`${archive}.new`, await signedArchive(files, key, { issuedAt }));
    await rename(`${archive}.new`, archive);
  };
  await write(changed(sample, "first"));
  const trust = { unsigned: "refused", trustedKeys: { "policy-1": join(folder, "policy-1.pem") } };
  const decision = owned.use(
    await startLoneDecision({ folder, name: "decision", bundle: archive, trust, hasOwnClock: false }),
  );
  const server = await measuredDecision(decision, cores);
  const requests = [sampleCheck("GET", token())];
  await runLoad(server, checks(requests, closed(3))); // compiled and warm
  const ratePerS = Math.round((await runLoad(server, checks(requests, closed(3)))).perS / 4);

  const quiet = () => runFreely(server, checks(requests, open(ratePerS, SECONDS)));

  /** Undefined when the swap was not over while it was measured. */
  async function swapped(revision: string, files: BundleFiles): Promise<Run | undefined> {
    const running = quiet();
    await sleep(SWAP_AFTER_MS);
    await write(files);
    decision.reload();
    const result = await running;
    await waitUntil(`the swap to ${revision}`, 30_000, async () => (await activeIn(decision)).revision === revision);
    const afterMs = Date.parse((await activeIn(decision)).activated_at) - result.begunAtMs;
    return afterMs >= 0 && afterMs <= SECONDS * 1_000 ? result : undefined;
  }

  async function measured(swap: (attempt: number) => Promise<Run | undefined>): Promise<Run> {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const result = await swap(attempt);
      if (result !== undefined) return result;
    }
    throw new Error(`no swap was over within ${SECONDS} s in ${TRIES} tries: the machine has too much other work`);
  }

  const runs: Record<"quiet" | "module" | "data", Run[]> = { quiet: [], module: [], data: [] };
  for (let round = 0; round < rounds; round += 1) {
    let other = sample;
    runs.quiet.push(await quiet());
    runs.module.push(
      await measured((attempt) => {
        const revision = `module-${round}-${attempt}`;
        const wasm = withMark(sample.get("policy.wasm") ?? new Uint8Array(), round * TRIES + attempt);
        other = changed(sample, revision, { "policy.wasm": wasm });
        return swapped(revision, other);
      }),
    );
    progress(`round ${round + 1} of ${rounds}`);
    runs.data.push(
      await measured((attempt) => {
        const revision = `data-${round}-${attempt}`;
        const data = JSON.stringify({ countersign: { requires: {}, round, attempt } });
        return swapped(revision, changed(other, revision, { "data.json": data }));
      }),
    );
  }
  const row = (name: string, of: readonly Run[]) => {
    const ratio = median(of.map(({ p99Ms }, at) => p99Ms / (runs.quiet[at]?.p99Ms ?? Number.NaN)));
    const faults = of.reduce((sum, one) => sum + one.faults, 0);
    const each = (pick: (one: Run) => number) => shown(median(of.map(pick)));
    const beside = of === runs.quiet ? "1" : goal(ratio, ratio <= RATIO_GOAL, `≤ ${RATIO_GOAL}`);
    const failed = of === runs.quiet ? String(faults) : goal(faults, faults === 0, "0");
    return [
      name,
      each(({ perS }) => perS),
      failed,
      each(({ p50Ms }) => p50Ms),
      each(({ p99Ms }) => p99Ms),
      beside,
      each(({ p999Ms }) => p999Ms),
    ];
  };
  return {
    name: "bundle-swap",
    title: "A bundle swapped in under load",
    text: [
      `Medians of ${rounds} rounds of ${SECONDS} s, in each of which the bundle became active; at ${ratePerS} checks a second on one connection, a quarter of its own saturation.`,
      table(
        ["", "checks/s", "failed in all rounds", "p50 ms", "p99 ms", "× quiet", "p99.9 ms"],
        [row("quiet", runs.quiet), row("a new module", runs.module), row("new data only", runs.data)],
      ),
    ].join("\n\n"),
  };
};

/** The same module with other bytes: a custom section that says nothing. */
function withMark(wasm: Uint8Array, mark: number): Uint8Array {
  return Buffer.concat([wasm, Buffer.from([0, 3, 1, 0x78, mark & 0xff])]);
}

async function activeIn({ opsUrl }: Decision): Promise<{ readonly revision: string; readonly activated_at: string }> {
  const answer = await fetch(`${opsUrl}/v1/bundle`, { signal: AbortSignal.timeout(2_000) });
  return described.Parse(await answer.json()).active;
}
