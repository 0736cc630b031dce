/** The steps of a check in processes of their own, with few and with very many subjects who have a grant, in turn. */
import { join } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { engineOptions } from "../../../platform/programs/launch/node-options.ts";
import { startChild } from "../child.ts";
import { median, shown, table } from "../figures.ts";
import { atMost } from "../load/interleave.ts";
import type { Asked, Progress } from "../run-bench.ts";

const FEW = 1_000;
const MANY = 1_000_000;
const MANY_GOAL = 1.15;
const ROUNDS = 5;
const REPEATS = 7;
const PROGRAM = join(import.meta.dirname, "in-process.ts");
const answered = Compile(
  Type.Object({ wholeUs: Type.Number(), stepsUs: Type.Array(Type.Tuple([Type.String(), Type.Number()])) }),
);

export async function inMemory(
  { rounds = ROUNDS, repeats = REPEATS }: Pick<Asked, "rounds" | "repeats">,
  progress: Progress,
  many = MANY,
): Promise<string> {
  const measure = async (subjects: number) => {
    const { answer } = startChild(PROGRAM, { subjects, repeats }, [
      ...(await engineOptions()),
      ...["--max-old-space-size=8192", "--expose-gc"],
    ]);
    const result = answered.Parse(await answer);
    progress(`in memory, ${subjects.toLocaleString("en")} subjects: ${shown(result.wholeUs)} µs`);
    return result;
  };
  const few: number[] = [];
  const all: number[] = [];
  const steps = new Map<string, number[]>();
  for (let round = 0; round < rounds; round += 1) {
    const one = await measure(FEW);
    few.push(one.wholeUs);
    for (const [name, us] of one.stepsUs) steps.set(name, [...(steps.get(name) ?? []), us]);
    all.push((await measure(many)).wholeUs);
  }
  const ratio = median(all.map((us, at) => us / (few[at] ?? Number.NaN)));
  const rows = [...steps].map(([name, each]) => [name, shown(median(each))]);
  return [
    "A check without transport, processor time of all threads, and its steps alone:",
    table(["step", "µs"], [...rows, ["**whole check**", shown(median(few))]]),
    `The whole check, asked by a thousand subjects in turn who are spread over all, so that their grants are at hand as objects by then, with ${many.toLocaleString("en")} subjects who have a grant against ${FEW.toLocaleString("en")}: ` +
      `${shown(median(all))} µs against ${shown(median(few))} µs, × ${atMost(ratio, MANY_GOAL)}.`,
  ].join("\n\n");
}
