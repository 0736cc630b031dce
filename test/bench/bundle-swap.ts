/**
 * `npm run bench -- bundle-swap`: the decision service under load at a quarter of its own saturation, some seconds quiet and some in which a new
 * bundle is signed, read, verified, compiled, tried and swapped in, in turn; once with another module, once with other data only. What
 * counts: no check that fails, and the p99 of the second around the moment when the bundle became active, beside that of the usual second of
 * the quiet ones in the same round. Each round is shown. A swap whose second was not measured whole is done again.
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
import { checks, closed, openKept } from "./check/check-load.ts";
import { measuredDecision } from "./check/full-service.ts";
import { sampleCheck } from "./check/sample-check.ts";
import { goal, median, shown, table } from "./figures.ts";
import { atMost } from "./load/interleave.ts";
import { type Run, runFreely, runLoad } from "./load/run-load.ts";
import { holds, secondAround, usualSecond } from "./load/seconds.ts";
import type { Bench } from "./run-bench.ts";

const ROUNDS = 5;
/** A swap takes less than one on an idle machine, and longer on one core that has to answer meanwhile; half of one before and after it is measured too. */
const SECONDS = 6;
const TRIES = 4;
/** After the generator has begun: it is up and warm, and half a second has been measured. */
const SWAP_AFTER_MS = 2_000;
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

  const quiet = () => runFreely(server, checks(requests, openKept(ratePerS, SECONDS)));

  const failed = { quiet: 0, module: 0, data: 0 };
  const runs: Record<"quiet" | "module" | "data", Run[]> = { quiet: [], module: [], data: [] };
  /** p99 of one second, by round. */
  const seconds: Record<keyof typeof runs, number[]> = { quiet: [], module: [], data: [] };

  /** False when the second around the swap was not measured whole. What failed counts all the same. */
  async function swapped(kind: "module" | "data", revision: string, files: BundleFiles): Promise<boolean> {
    const running = quiet();
    await sleep(SWAP_AFTER_MS);
    await write(files);
    decision.reload();
    const run = await running;
    failed[kind] += run.faults;
    await waitUntil(`the swap to ${revision}`, 30_000, async () => (await activeIn(decision)).revision === revision);
    const atMs = Date.parse((await activeIn(decision)).activated_at);
    if (!holds(run, SECONDS, atMs)) return false;
    runs[kind].push(run);
    seconds[kind].push(secondAround(run, atMs));
    return true;
  }

  async function measured(swap: (attempt: number) => Promise<boolean>): Promise<void> {
    for (let attempt = 0; attempt < TRIES; attempt += 1) if (await swap(attempt)) return;
    throw new Error(`no swap was over within ${SECONDS} s in ${TRIES} tries: the machine has too much other work`);
  }

  for (let round = 0; round < rounds; round += 1) {
    let other = sample;
    const run = await quiet();
    failed.quiet += run.faults;
    runs.quiet.push(run);
    seconds.quiet.push(usualSecond(run, SECONDS));
    await measured((attempt) => {
      const revision = `module-${round}-${attempt}`;
      const wasm = withMark(sample.get("policy.wasm") ?? new Uint8Array(), round * TRIES + attempt);
      other = changed(sample, revision, { "policy.wasm": wasm });
      return swapped("module", revision, other);
    });
    await measured((attempt) => {
      const revision = `data-${round}-${attempt}`;
      const data = JSON.stringify({ countersign: { requires: {}, round, attempt } });
      return swapped("data", revision, changed(other, revision, { "data.json": data }));
    });
    progress(`round ${round + 1} of ${rounds}`);
  }
  const timesQuiet = (kind: keyof typeof runs) =>
    seconds[kind].map((ms, round) => ms / (seconds.quiet[round] ?? Number.NaN));
  const row = (name: string, kind: keyof typeof runs) => {
    const each = (pick: (one: Run) => number) => shown(median(runs[kind].map(pick)));
    const isQuiet = kind === "quiet";
    const ratios = timesQuiet(kind);
    return [
      ...[name, each(({ perS }) => perS), isQuiet ? shown(failed.quiet) : goal(failed[kind], failed[kind] === 0, "0")],
      ...[each(({ p50Ms }) => p50Ms), shown(median(seconds[kind]))],
      isQuiet ? "1" : atMost(median(ratios), RATIO_GOAL),
      isQuiet ? "1" : shown(Math.max(...ratios)),
      ...[
        each(({ p999Ms }) => p999Ms),
        shown(Math.max(...runs[kind].flatMap(({ calls }) => calls.map(({ ms }) => ms)))),
      ],
    ];
  };
  const rounded = runs.quiet.map((_, round) => [
    String(round + 1),
    ...(["quiet", "module", "data"] as const).flatMap((kind) => {
      const ms = shown(seconds[kind][round] ?? Number.NaN);
      return kind === "quiet" ? [ms] : [ms, shown(timesQuiet(kind)[round] ?? Number.NaN)];
    }),
  ]);
  return {
    name: "bundle-swap",
    title: "A bundle swapped in under load",
    text: [
      `${rounds} rounds of ${SECONDS} s each, in which the bundle became active; at ${ratePerS} checks a second on one connection, a quarter of its own saturation. The p99 of a second: of the calls that were due within half a second of when the bundle became active, against the usual second of the quiet run in the same round. Medians over the rounds, but for the worst ratio and the longest call, which are of all rounds.`,
      table(
        [
          ...[
            "",
            "checks/s",
            "failed in all rounds",
            "p50 ms",
            "p99 of the second ms",
            "× quiet: median of the rounds",
          ],
          ...["worst round", "p99.9 ms", "longest ms"],
        ],
        [row("quiet", "quiet"), row("a new module", "module"), row("new data only", "data")],
      ),
      "The p99 of that second, round by round:",
      table(["round", "quiet ms", "a new module ms", "× quiet", "new data only ms", "× quiet"], rounded),
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
