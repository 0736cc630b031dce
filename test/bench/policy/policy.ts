/**
 * `npm run bench -- policy`: what an evaluation costs by our host and by the stock SDK on the same module and
 * input, what fuel adds, what a thread of its own would add instead, and what a runaway evaluation does to others.
 */
import { join } from "node:path";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { startChild } from "../child.ts";
import { goal, median, shown, table } from "../figures.ts";
import type { Bench } from "../run-bench.ts";
import { fuelRates } from "./rates.ts";
import { benchRunaway } from "./runaway.ts";

const Figures = Type.Object({
  fuelUsed: Type.Integer(),
  fuelUsedWhole: Type.Integer(),
  timed: Type.Record(Type.String(), Type.Array(Type.Number())),
});
const figures = Compile(Type.Record(Type.String(), Figures));
const ROUNDS_EACH = 200;
const ROUNDS = 3;

export const benchPolicy: Bench = async ({ rounds = ROUNDS }, rig) => {
  const { cores, progress } = rig;
  const child = startChild(join(import.meta.dirname, "evaluations.ts"), { rounds: rounds * ROUNDS_EACH });
  await cores.measured(child.pid);
  const rows = Object.entries(figures.Parse(await child.answer)).flatMap(([method, measured]) => [
    [`${method}, what is read`, ...cells(measured, ""), ...workerCells(measured), String(measured.fuelUsed)],
    [`${method}, whole`, ...cells(measured, "Whole"), "", "", String(measured.fuelUsedWhole)],
  ]);
  progress("evaluations timed");
  const head = [
    ...["input", "our host µs", "stock SDK µs", "stock ÷ ours", "without fuel µs", "with fuel µs", "fuel ÷ without"],
    ...["worker thread µs", "worker ÷ fuel", "fuel used"],
  ];
  return {
    name: "policy",
    title: "An evaluation",
    text: [
      "The sample policies on an input of 2.5 KB. Host and SDK are given the same object and give the same answer. *What is read*: as the services evaluate, the host writes only those parts of the object as JSON that the bundle's policies read, which the SDK cannot; of 2.5 KB little is left, so that this row compares ways of asking and not the same text. *Whole*: the host writes all of it, as it does for a bundle whose reads are not known (`input` as a whole is used, or it was built by `opa` alone), and both work on the same input. All are asked in turn, every other round the other way round, and the first calls of each batch are not counted. With and without fuel: the same input text to the same value, by modules that differ in the metering alone; a longer text is more work of the module alone, so that fuel weighs more. The worker is asked by message and is not metered; it shares the core with whoever asks.",
      table(head, rows),
      await fuelRates(),
      await benchRunaway(rounds, rig),
    ].join("\n\n"),
  };
};

/** `input`: behind the names of what was timed on it. */
function cells({ timed }: Static<typeof Figures>, input: "" | "Whole"): readonly string[] {
  const us = (name: string) => shown(median(timed[name] ?? []));
  const [faster, fuel] = [ratio(timed, "stock", `host${input}`), ratio(timed, `metered${input}`, `unmetered${input}`)];
  return [
    ...[us(`host${input}`), us("stock"), goal(faster, faster >= 1.5, "≥ 1.5")],
    ...[us(`unmetered${input}`), us(`metered${input}`), goal(fuel, fuel <= 1.1, "≤ 1.10")],
  ];
}

function workerCells({ timed }: Static<typeof Figures>): readonly string[] {
  return [shown(median(timed["worker"] ?? [])), shown(ratio(timed, "worker", "metered"))];
}

/** The median of what each round gives. */
function ratio(timed: Static<typeof Figures>["timed"], of: string, to: string): number {
  return median((timed[of] ?? []).map((value, at) => value / (timed[to]?.[at] ?? Number.NaN)));
}
