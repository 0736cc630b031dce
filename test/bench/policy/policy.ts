/**
 * `npm run bench -- policy`: what an evaluation costs by our host and by the stock SDK on the same module and
 * input, what fuel adds, what a thread of its own would add instead, and what a runaway evaluation does to others.
 */
import { join } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { startChild } from "../child.ts";
import { goal, median, shown, table } from "../figures.ts";
import type { Bench } from "../run-bench.ts";
import { fuelRates } from "./rates.ts";
import { benchRunaway } from "./runaway.ts";

const figures = Compile(
  Type.Record(
    Type.String(),
    Type.Object({ fuelUsed: Type.Integer(), timed: Type.Record(Type.String(), Type.Array(Type.Number())) }),
  ),
);
const ROUNDS_EACH = 200;
const ROUNDS = 3;

export const benchPolicy: Bench = async ({ rounds = ROUNDS }, rig) => {
  const { cores, progress } = rig;
  const child = startChild(join(import.meta.dirname, "evaluations.ts"), { rounds: rounds * ROUNDS_EACH });
  await cores.measured(child.pid);
  const rows = Object.entries(figures.Parse(await child.answer)).map(([method, { timed, fuelUsed }]) => {
    const us = (name: string) => shown(median(timed[name] ?? []));
    const ratio = (of: string, to: string) =>
      median((timed[of] ?? []).map((value, at) => value / (timed[to]?.[at] ?? Number.NaN)));
    const [faster, fuel] = [ratio("stock", "host"), ratio("metered", "unmetered")];
    return [
      ...[method, us("host"), us("stock"), goal(faster, faster >= 1.5, "≥ 1.5")],
      ...[
        us("unmetered"),
        us("metered"),
        goal(fuel, fuel <= 1.1, "≤ 1.10"),
        shown(ratio("meteredWhole", "unmeteredWhole")),
      ],
      ...[us("worker"), shown(ratio("worker", "metered")), String(fuelUsed)],
    ];
  });
  progress("evaluations timed");
  const head = [
    ...["", "our host µs", "stock SDK µs", "stock ÷ ours", "without fuel µs", "with fuel µs", "fuel ÷ without"],
    ...["the same, whole input", "worker thread µs", "worker ÷ fuel", "fuel used"],
  ];
  return {
    name: "policy",
    title: "An evaluation",
    text: [
      "The sample policies on an input of 2.5 KB. Host and SDK are given the same object and give the same answer; the host leaves out what its policies do not read. With and without fuel: the same input text to the same value. The worker is asked by message and is not metered; it shares the core with whoever asks.",
      table(head, rows),
      await fuelRates(),
      await benchRunaway(rounds, rig),
    ].join("\n\n"),
  };
};
