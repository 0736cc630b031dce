/**
 * Kills both services at each of their points in turn, under load, and starts them again; says how long each took. The work that reaches a
 * point is made while it is armed (work.ts), and again if it did not come to it; what a death interrupts is done to its end afterwards.
 */
import { existsSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { ApprovalSettings } from "../../harness/system/approval.ts";
import type { DecisionSettings } from "../../harness/system/decision.ts";
import type { Program } from "../../harness/system/program.ts";
import type { Seeded } from "../seeded.ts";
import type { Hands } from "./hands.ts";
import { keepingFiles } from "./kept-files.ts";
import { APPROVAL_POINTS, DECISION_POINTS } from "./points.ts";
import { armedFile, reachedFile, unnamedFile } from "./reach.ts";
import { bundleWithStandIns } from "./stand-ins.ts";
import type { Work } from "./work.ts";

/** For `startSystem`. Profiles are off unless somebody says so, and written by the services all the same. */
export const UNDER_CRASHES = {
  replaceMain: bundleWithStandIns,
  approvalSettings: (settings: ApprovalSettings) => ({ ...keepingFiles(settings), profiles: { enabled: true } }),
  decisionSettings: (settings: DecisionSettings) => keepingFiles(settings),
};

export type Crash = {
  readonly service: string;
  readonly point: string;
  /** From being armed to being dead. */
  readonly untilMs: number;
  /** From being started to being ready. */
  readonly restartMs: number;
};

/** Its own work reaches a point within this, or the point is none and the test is wrong. */
const REACHED_MS = 60_000;
/** A sweep comes every two seconds: what a piece of work set off is on its way so long before it is made again. */
const ON_ITS_WAY_MS = 3_000;
const DONE_MS = 180_000;

/** What went wrong on the way, apart from what the account finds. */
type Crashes = { readonly crashes: readonly Crash[]; readonly faults: readonly string[] };

/** At each, or at those that are chosen. */
export async function crashEverywhere(
  hands: Hands,
  chance: Seeded,
  isChosen: (point: string) => boolean = () => true,
): Promise<Crashes> {
  const [decision] = hands.system.decisions;
  if (decision === undefined) throw new Error("no decision service");
  const chosen = (points: ReadonlyMap<string, Work>) => shuffled(points, chance).filter(([point]) => isChosen(point));
  // Both at once: so each also meets a neighbour that has just died or is just coming back.
  const both = await Promise.all([
    crashInTurn(hands, hands.system.approval, chosen(APPROVAL_POINTS), { named: APPROVAL_POINTS }),
    crashInTurn(hands, decision, chosen(DECISION_POINTS), { named: DECISION_POINTS }),
  ]);
  return { crashes: both.flatMap(({ crashes }) => crashes), faults: both.flatMap(({ faults }) => faults) };
}

type Point = readonly [name: string, work: Work];

function shuffled(points: ReadonlyMap<string, Work>, chance: Seeded): readonly Point[] {
  const placed = [...points].map((point) => ({ point, place: chance.below(1 << 20) }));
  return placed.sort((one, other) => one.place - other.place).map(({ point }) => point);
}

/** In this order. A point that is not reached, and work that fails, is a fault by the names of both, and the next point follows. */
export async function crashInTurn<Doer>(
  doer: Doer,
  program: Pick<Program, "name" | "configPath" | "isRunning" | "start">,
  points: readonly (readonly [name: string, work: (doer: Doer) => Promise<unknown>])[],
  {
    reachedMs = REACHED_MS,
    named = new Map(points),
  }: { readonly reachedMs?: number; readonly named?: ReadonlyMap<string, unknown> } = {},
): Promise<Crashes> {
  const crashes: Crash[] = [];
  const faults: string[] = [];
  const underWay = new Set<string>();
  for (const [point, work] of points) {
    const what = `${program.name} to reach "${point}" by ${work.name}`;
    underWay.add(what);
    const begin = (life: AbortSignal) =>
      repeatedly(() => work(doer), life)
        .catch((error: unknown) => faults.push(`${what}: ${String(error)}`))
        .finally(() => underWay.delete(what));
    try {
      const untilMs = await killedAt(program, { point, what, begin, reachedMs });
      crashes.push({ service: program.name, point, untilMs, restartMs: await msToBeReady(program) });
    } catch (error) {
      faults.push(String(error));
    }
    if (!program.isRunning()) break;
  }
  await waitUntil("what deaths interrupted to be done", DONE_MS, () => underWay.size === 0).catch((error: unknown) =>
    faults.push(`${String(error)}: ${[...underWay].join("; ")}`),
  );
  return { crashes, faults: [...faults, ...unnamedBy(program, named)] };
}

/** Resolves with the milliseconds until it was dead. `begin` begins the work, which ends soon after the signal says that it did its part. */
async function killedAt(
  program: Pick<Program, "configPath" | "isRunning">,
  {
    point,
    what,
    begin,
    reachedMs,
  }: {
    readonly point: string;
    readonly what: string;
    readonly begin: (life: AbortSignal) => Promise<unknown>;
    readonly reachedMs: number;
  },
): Promise<number> {
  const file = armedFile(program.configPath);
  const life = new AbortController();
  const armedAt = performance.now();
  await writeFile(file, point);
  void begin(life.signal);
  try {
    await waitUntil(what, reachedMs, () => !program.isRunning());
    return Math.round(performance.now() - armedAt);
  } finally {
    life.abort();
    await rm(file, { force: true });
  }
}

/** At least once, and again for as long as nobody has died of it. */
async function repeatedly(work: () => Promise<unknown>, life: AbortSignal): Promise<void> {
  do {
    await work();
    await sleep(ON_ITS_WAY_MS, undefined, { signal: life }).catch(() => {});
  } while (!life.aborted);
}

async function msToBeReady(program: Pick<Program, "start">): Promise<number> {
  const dead = performance.now();
  await program.start();
  return Math.round(performance.now() - dead);
}

/** What it wrote that has no name, and the points that it came to which nobody named. */
function unnamedBy(
  { name, configPath }: Pick<Program, "name" | "configPath">,
  named: ReadonlyMap<string, unknown>,
): readonly string[] {
  const reached = linesIn(reachedFile(configPath)).filter((point) => !named.has(point));
  return [...linesIn(unnamedFile(configPath)), ...reached].map((line) => `${name} did what has no name: ${line}`);
}

function linesIn(file: string): readonly string[] {
  return existsSync(file) ? [...new Set(readFileSync(file, "utf8").trim().split("\n"))] : [];
}
