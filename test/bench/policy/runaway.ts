/**
 * What others notice of a policy that runs away: a real decision service is asked at a fixed rate, in turns with nobody
 * else and with one call in ten seconds whose evaluation would never end. The budget is 10 ms.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AuthorizationService } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { frame, sendFrames } from "../../harness/grpc-frames.ts";
import { makeBundle } from "../../harness/made-bundle.ts";
import { claims, startLoneDecision, token } from "../../integration/decision/lone-decision.ts";
import { checks, open } from "../check/check-load.ts";
import { measuredDecision } from "../check/full-service.ts";
import { sampleCheck } from "../check/sample-check.ts";
import { median, shown, table } from "../figures.ts";
import { atMost } from "../load/interleave.ts";
import { runLoad } from "../load/run-load.ts";
import type { Rig } from "../run-bench.ts";

const POLICY = `package countersign

decision := {"outcome": "allow", "reasons": ["fine"], "elevations": [], "responses": [], "context_missing": [], "malformed": []} if fine

fine if not mallory
mallory if startswith(input.subject.id, "mallory")
fine if { mallory; some a in many; some b in many; some c in many; (a + b) + c == 0 }
many := numbers.range(1, 2000)
`;
const APPROVAL = "package countersign.approval\n\nroute := {}\n\nmay_review := {}\n";

const PER_S = 200;
const SECONDS = 20;
const EVERY_MS = 10_000;

export async function benchRunaway(rounds: number, { cores, progress }: Rig): Promise<string> {
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const bundle = join(folder, "runaway");
  await makeBundle(bundle, [POLICY, APPROVAL], {});
  const policy = { budget: { timeMs: 10, memoryMib: 64 } };
  const service = await startLoneDecision({ folder, name: "runaway", bundle, policy, hasOwnClock: false });
  owned.defer(() => service.kill());
  const server = await measuredDecision(service, cores);

  // Somebody else in each round: who runs away three times in a minute is suspended, and costs nothing more.
  const runAway = async (round: number): Promise<void> => {
    const body = frame(sampleCheck("GET", token({ payload: claims({ sub: `mallory-${round}` }) })));
    const { message } = await sendFrames(service.port, { path: AuthorizationService.check.path, body });
    if (!Buffer.from(message ?? "").includes("policy_budget_exceeded")) throw new Error("it was not stopped");
  };
  const load = (seconds: number) => runLoad(server, checks([sampleCheck("GET", token())], open(PER_S, seconds)));

  await load(5);
  const quiet: number[] = [];
  const beside: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    quiet.push((await load(SECONDS)).p99Ms);
    const under = load(SECONDS);
    for (let at = 0; at < SECONDS * 1_000; at += EVERY_MS) {
      await sleep(EVERY_MS / 2);
      await runAway(round);
      await sleep(EVERY_MS / 2);
    }
    beside.push((await under).p99Ms);
    progress(`runaway, round ${round + 1} of ${rounds}`);
  }
  const ratio = median(beside.map((value, at) => value / (quiet[at] ?? Number.NaN)));
  return [
    `Checks at ${PER_S} a second for ${SECONDS} s, ${rounds} rounds in turn, without and with one runaway evaluation in ten seconds under a budget of 10 ms:`,
    table(
      ["", "p99 ms", "× without"],
      [
        ["without", shown(median(quiet)), "1"],
        ["with", shown(median(beside)), atMost(ratio, 2)],
      ],
    ),
  ].join("\n\n");
}
