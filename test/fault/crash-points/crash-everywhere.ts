/** Kills both services at each of their points in turn, under load, and starts them again; says how long each took. */
import { rm, writeFile } from "node:fs/promises";
import type { Program } from "../../harness/system/program.ts";
import type { System } from "../../harness/system.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { Seeded } from "../seeded.ts";
import { APPROVAL_POINTS, DECISION_POINTS } from "./points.ts";
import { armedFile } from "./reach.ts";

export const PRELOAD = new URL("preload.ts", import.meta.url).href;

export type Crash = {
  readonly service: string;
  readonly point: string;
  /** From being armed to being dead. */
  readonly untilMs: number;
  /** From being started to being ready. */
  readonly restartMs: number;
};

/** Load reaches each point within this, or the point is none and the test is wrong. */
const REACHED_MS = 40_000;

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
  for (const point of points) crashes.push(await crashAt(program, point));
  return crashes;
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
