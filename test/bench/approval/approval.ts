/**
 * `npm run bench -- approval`: how long the parts of an approval take on real services, and how many redemptions a second there are beside bare
 * UPDATEs on the same database. On a stream in Postgres, and on Kafka where that is to be had.
 */
import { goal, quantile, shown, table } from "../figures.ts";
import type { Bench, Rig } from "../run-bench.ts";
import { onStreams } from "../on-streams.ts";
import { startBothServices } from "./both-services.ts";
import { FEWEST_FOR_P999, redemptions } from "./redemptions.ts";
import { roundTrips } from "./round-trips.ts";

const ROUNDS = 5;
const SECONDS = 3;
const REPEATS = 200;
const HANDS = 4;
const ALLOWED_GOAL_MS = 1_000;

type ApprovalAmounts = { readonly rounds: number; readonly seconds: number; readonly repeats: number };

export const benchApproval: Bench = async (asked, rig) => {
  const { rounds = ROUNDS, seconds = SECONDS, repeats = REPEATS } = asked;
  const amounts = { rounds, seconds, repeats };
  const measured = await rig.cores.onBoth(() => onStreams(rig, (kafka) => measureApproval(kafka, amounts, rig)));
  return {
    name: "approval",
    title: "An approval",
    text: [
      `${repeats} approvals on each stream, ${HANDS} under way at once: from the denied call, which brings its reason, to the webhook that tells the approver; and from sending the approval to the answer of the first retry that is allowed, which redeems one use. Of each way the slowest stands there and no p99.9, for which these are too few. Both services, the database, the stream and the callers share both cores.`,
      `Redemptions: medians of ${rounds} interleaved rounds of ${seconds} s, 16 callers on each; ratios within a round. Of calls: how many a round had at least; of fewer than ${FEWEST_FOR_P999.toLocaleString("en")} there is no p99.9.`,
      measured,
    ].join("\n\n"),
  };
};

export async function measureApproval(
  kafka: readonly string[] | undefined,
  { rounds, seconds, repeats }: ApprovalAmounts,
  rig: Rig,
): Promise<string> {
  await using services = await startBothServices(kafka);
  await roundTrips(services, HANDS, HANDS); // compiled and connected
  const made = await roundTrips(services, repeats, HANDS);
  rig.progress(`${made.length} approvals`);
  const row = (name: string, values: readonly number[], p99: (ms: number) => string) => [
    ...[name, shown(quantile(values, 0.5)), p99(quantile(values, 0.99)), shown(Math.max(...values))],
  ];
  const wayThere = made.map(({ notifiedMs }) => notifiedMs);
  const wayBack = made.map(({ allowedMs }) => allowedMs);
  return [
    table(
      ["", "p50 ms", "p99 ms", "most ms"],
      [
        row("denied → approver notified", wayThere, shown),
        row("approve → retry allowed", wayBack, (ms) => goal(ms, ms < ALLOWED_GOAL_MS, `< ${ALLOWED_GOAL_MS}`)),
      ],
    ),
    await redemptions(services, { rounds, seconds }, rig),
  ].join("\n\n");
}
