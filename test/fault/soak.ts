/**
 * `npm run soak`: every crash point ten times, in another order each time, under one load, on one running set; then the account of all of it.
 * Writes what came out to docs/soak.md and exits non-zero when anything was lost, doubled or slow. `npm run soak -- 3` does it three
 * times. Takes about four minutes a round.
 */
import { writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { TOPICS } from "../../core/messages/topics.ts";
import { resolveTool } from "../../scripts/tools/resolve-tool.ts";
import { clientOfServices } from "../harness/kafka.ts";
import { startSystem, type System } from "../harness/system.ts";
import { type Account, account } from "./crash-points/account.ts";
import { type Crash, crashEverywhere, UNDER_CRASHES } from "./crash-points/crash-everywhere.ts";
import { startTraffic } from "./crash-points/traffic.ts";
import { whileCompacting } from "./forging.ts";
import { seeded } from "./seeded.ts";

const FILE = join(import.meta.dirname, "../../docs/soak.md");
const RESTART_MS = 5_000;
const rounds = Number(process.argv[2] ?? 10);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error("usage: npm run soak [-- ROUNDS]");

type Soak = {
  readonly crashes: readonly Crash[];
  readonly told: Account;
  readonly seconds: number;
  readonly again: number;
};

/** A soak is shorter than the hour after which the state topic may be compacted: what it kills would read ever more at its start. */
const COMPACTED = new Map([
  ["segment.ms", "30000"],
  ["min.cleanable.dirty.ratio", "0.1"],
]);

const chance = seeded();

async function soak(): Promise<Soak> {
  await using system = await startSystem(UNDER_CRASHES);
  return await whileCompacting(system.kafka.settings, TOPICS.state.name, () => soakOf(system), COMPACTED);
}

async function soakOf(system: System): Promise<Soak> {
  const begin = performance.now();
  const traffic = startTraffic(system);
  const crashes: Crash[] = [];
  const faults: string[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const those = await crashEverywhere(traffic.hands, chance);
    crashes.push(...those.crashes);
    faults.push(...those.faults.map((fault) => `round ${round}: ${fault}`));
    const restarts = those.crashes.map(({ restartMs }) => restartMs);
    const line = `round ${round} of ${rounds}: ${restarts.length} crashes, slowest restart ${Math.max(...restarts)} ms`;
    process.stdout.write([line, ...those.faults, ""].join("\n"));
  }
  const seconds = Math.round((performance.now() - begin) / 1_000);
  await traffic.stop();
  const told = await account(system, traffic.ledger);
  return { crashes, seconds, again: traffic.ledger.again, told: { ...told, faults: [...faults, ...told.faults] } };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

async function page({ crashes, told, seconds, again }: Soak): Promise<string> {
  const kafka = await resolveTool("kafka");
  const restarts = crashes.map(({ restartMs }) => restartMs).toSorted((one, other) => one - other);
  const places = [...new Set(crashes.map(({ service, point }) => `${service} | ${point}`))].toSorted();
  const rows = places.map((place) => {
    const own = crashes.filter(({ service, point }) => `${service} | ${point}` === place);
    const slowest = Math.max(...own.map(({ restartMs }) => restartMs));
    return `| ${place} | ${own.length} | ${slowest} |`;
  });
  return `<!-- Written by \`npm run soak -- ${rounds}\`. -->
# Soak

The last run of \`npm run soak\`: each service killed with \`kill -9\` at each of its crash points, again and again, under load, on real Kafka,
PostgreSQL and Envoy, and started again; then everything that was acknowledged is held against the audit topic, the database, the state
topic, the webhooks and what reached the upstream. A point lies around a commit, a publish, a mark, a send, an answer or
a replaced file (\`test/fault/crash-points/work.ts\`, which also says by what work each is reached).

| | |
|---|---|
| when | ${new Date().toISOString()} |
| machine | ${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB; Node ${process.version}; Kafka ${kafka.kind === "found" ? kafka.version : "?"}, spoken to by ${clientOfServices().client ?? "@platformatic/kafka"} |
| seed | ${chance.seed} (\`TEST_SEED\`) |
| crashes | ${crashes.length} at ${places.length} points in ${seconds} s, ${rounds} rounds |
| ready again after | median ${quantile(restarts, 0.5)} ms, p99 ${quantile(restarts, 0.99)} ms, slowest ${restarts.at(-1) ?? 0} ms |
| lost, doubled or made up | ${told.faults.length} |
| on record | ${told.sealed} sealed events and ${told.decisions} decisions in ${told.logs} logs, each without a gap; ${told.repeated} repetitions on the topic |
| uses | ${told.uses} redeemed, none more than granted |
| calls made again | ${again}: no answer, or one that said to come back |

| service | killed | times | slowest restart, ms |
|---|---|---|---|
${rows.join("\n")}
${told.faults.length === 0 ? "" : `\n## What was wrong\n\n${told.faults.map((fault) => `- ${fault}`).join("\n")}\n`}`;
}

const result = await soak();
await writeFile(FILE, await page(result));
const slow = result.crashes.filter(({ restartMs }) => restartMs >= RESTART_MS);
process.stdout.write(
  `${result.crashes.length} crashes; ${result.told.faults.length} faults; ${slow.length} slow restarts; ${FILE}\n`,
);
if (result.told.faults.length > 0 || slow.length > 0) process.exitCode = 1;
