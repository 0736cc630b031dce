/** Kills both services at each of their points in turn, under load, and starts them again; says how long each took. */
import { existsSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import type { Program } from "../../harness/system/program.ts";
import type { System } from "../../harness/system.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { Seeded } from "../seeded.ts";
import { APPROVAL_POINTS, DECISION_POINTS } from "./points.ts";
import { armedFile, unnamedFile } from "./reach.ts";

export const PRELOAD = new URL("preload.ts", import.meta.url).href;

/** Off unless somebody says so, and written by the services all the same. */
export const withProfiles = (settings: object) => ({
  ...settings,
  profiles: { enabled: true, publishEveryMinutes: 1 },
});

export type Crash = {
  readonly service: string;
  readonly point: string;
  /** From being armed to being dead. */
  readonly untilMs: number;
  /** From being started to being ready. */
  readonly restartMs: number;
};

/** Load reaches each point within this, or the point is none and the test is wrong. */
const REACHED_MS = 90_000;

export async function crashEverywhere(system: System, chance: Seeded): Promise<readonly Crash[]> {
  const [decision] = system.decisions;
  if (decision === undefined) throw new Error("no decision service");
  // Both at once: so each also meets a neighbour that has just died or is just coming back.
  const both = await Promise.all([
    crashInTurn(system.approval, shuffled(APPROVAL_POINTS, chance)),
    crashInTurn(decision, shuffled(DECISION_POINTS, chance)),
  ]);
  return both.flat();
}

function shuffled(points: readonly string[], chance: Seeded): readonly string[] {
  const placed = points.map((point) => ({ point, place: chance.below(1 << 20) }));
  return placed.sort((one, other) => one.place - other.place).map(({ point }) => point);
}

async function crashInTurn(program: Program, points: readonly string[]): Promise<readonly Crash[]> {
  const crashes: Crash[] = [];
  const missed: unknown[] = [];
  for (const point of points) {
    try {
      crashes.push(await crashAt(program, point));
    } catch (error) {
      missed.push(error);
      if (!program.isRunning()) break;
    }
  }
  const texts = [...missed.map(String), ...unnamedBy(program)];
  if (texts.length > 0) throw new AggregateError(missed, texts.join("\n"));
  return crashes;
}

/** What it wrote that no point is named for. */
export function unnamedBy({ name, configPath }: Program): readonly string[] {
  const file = unnamedFile(configPath);
  if (!existsSync(file)) return [];
  const lines = new Set(readFileSync(file, "utf8").trim().split("\n"));
  return [...lines].map((line) => `${name} did what has no name: ${line}`);
}

async function crashAt(program: Program, point: string): Promise<Crash> {
  const file = armedFile(program.configPath);
  const begin = performance.now();
  await writeFile(file, point);
  try {
    await waitUntil(`${program.name} to reach "${point}"`, REACHED_MS, () => !program.isRunning());
  } finally {
    await rm(file, { force: true });
  }
  const dead = performance.now();
  await program.start();
  return {
    ...{ service: program.name, point },
    untilMs: Math.round(dead - begin),
    restartMs: Math.round(performance.now() - dead),
  };
}
