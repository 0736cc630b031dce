/**
 * What others notice of a policy that runs away: a real decision service is asked at a fixed rate, in turns with nobody
 * else and with one call in ten seconds whose evaluation would never end. The budget is 10 ms. Two such calls touch fewer others than the
 * p99 of a run leaves out, so the second around each of them stands beside it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AuthorizationService } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { frame, sendFrames } from "../../harness/grpc-frames.ts";
import { makeBundle, NO_APPROVAL } from "../../harness/made-bundle.ts";
import { claims, startLoneDecision, token } from "../../integration/decision/lone-decision.ts";
import { checks, openKept } from "../check/check-load.ts";
import { measuredDecision } from "../check/full-service.ts";
import { sampleCheck } from "../check/sample-check.ts";
import { median, shown, table } from "../figures.ts";
import { atMost } from "../load/interleave.ts";
import { type Run, runLoad } from "../load/run-load.ts";
import { secondAround, usualSecond } from "../load/seconds.ts";
import type { Rig } from "../run-bench.ts";

const POLICY = `package countersign

decision := {"outcome": "allow", "reasons": ["fine"], "elevations": [], "responses": [], "context_missing": [], "malformed": []} if fine

fine if not mallory
mallory if startswith(input.subject.id, "mallory")
fine if { mallory; some a in many; some b in many; some c in many; (a + b) + c == 0 }
many := numbers.range(1, 2000)
`;

const PER_S = 200;
const SECONDS = 20;
const EVERY_MS = 10_000;

export async function benchRunaway(rounds: number, { cores, progress }: Rig): Promise<string> {
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const bundle = join(folder, "runaway");
  await makeBundle(bundle, [POLICY, NO_APPROVAL], {});
  const policy = { budget: { timeMs: 10, memoryMib: 64 } };
  const service = await startLoneDecision({ folder, name: "runaway", bundle, policy, hasOwnClock: false });
  owned.defer(() => service.kill());
  const server = await measuredDecision(service, cores);

  // Somebody else in each round: who runs away three times in a minute is suspended, and costs nothing more.
  const runAway = async (round: number): Promise<number> => {
    const body = frame(sampleCheck("GET", token({ payload: claims({ sub: `mallory-${round}` }) })));
    const atMs = Date.now();
    const { message } = await sendFrames(service.port, { path: AuthorizationService.check.path, body });
    if (!Buffer.from(message ?? "").includes("policy_budget_exceeded")) throw new Error("it was not stopped");
    return atMs;
  };
  const load = (seconds: number) => runLoad(server, checks([sampleCheck("GET", token())], openKept(PER_S, seconds)));

  await load(5);
  const quiet: Run[] = [];
  const beside: Run[] = [];
  /** Of each runaway: the p99 of the second around it, and of the usual second without any. */
  const around: { readonly ms: number; readonly usualMs: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const without = await load(SECONDS);
    const under = load(SECONDS);
    const moments: number[] = [];
    for (let at = 0; at < SECONDS * 1_000; at += EVERY_MS) {
      await sleep(EVERY_MS / 2);
      moments.push(await runAway(round));
      await sleep(EVERY_MS / 2);
    }
    const run = await under;
    const usualMs = usualSecond(without, SECONDS);
    around.push(...moments.map((atMs) => ({ ms: secondAround(run, atMs), usualMs })));
    quiet.push(without);
    beside.push(run);
    progress(`runaway, round ${round + 1} of ${rounds}`);
  }
  const ratio = median(beside.map(({ p99Ms }, at) => p99Ms / (quiet[at]?.p99Ms ?? Number.NaN)));
  const ratios = around.map(({ ms, usualMs }) => ms / usualMs);
  const whole = (runs: readonly Run[]) => [
    shown(median(runs.map(({ p99Ms }) => p99Ms))),
    runs === quiet ? "1" : atMost(ratio, 2),
    shown(median(runs.map(({ p999Ms }) => p999Ms))),
    shown(Math.max(...runs.flatMap(({ calls }) => calls.map(({ ms }) => ms)))),
  ];
  return [
    `Checks at ${PER_S} a second for ${SECONDS} s, ${rounds} rounds in turn, without and with one runaway evaluation in ten seconds under a budget of 10 ms. The p99 of a second: of the calls that were due within half a second of a runaway, against the usual second without any. It has ${PER_S} calls, so the slowest two make it; who waits for the whole budget of the runaway waits longer than twice a quiet p99.`,
    table(
      ["", "p99 ms", "× without", "p99.9 ms", "longest ms", "p99 of the second ms", "× without: median", "worst"],
      [
        ["without", ...whole(quiet), shown(median(around.map(({ usualMs }) => usualMs))), "1", "1"],
        [
          ...["with", ...whole(beside), shown(median(around.map(({ ms }) => ms)))],
          ...[shown(median(ratios)), shown(Math.max(...ratios))],
        ],
      ],
    ),
    `Each runaway, p99 of its second ÷ that without: ${around.map(({ ms, usualMs }) => `${shown(ms)} ÷ ${shown(usualMs)}`).join(", ")}.`,
  ].join("\n\n");
}
