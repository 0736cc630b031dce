/** The steps of a check in processes of their own, with few and with very many subjects who have a grant, in turn. */
import { join } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { startChild } from "../child.ts";
import { goal, median, shown, table } from "../figures.ts";

const FEW = 1_000;
const MANY = 1_000_000;
const MANY_GOAL = 1.15;
const PROGRAM = join(import.meta.dirname, "in-process.ts");
const answered = Compile(
  Type.Object({ wholeUs: Type.Number(), stepsUs: Type.Array(Type.Tuple([Type.String(), Type.Number()])) }),
);

export async function inMemory(rounds: number): Promise<string> {
  const few: number[] = [];
  const many: number[] = [];
  const steps = new Map<string, number[]>();
  for (let round = 0; round < rounds; round += 1) {
    const one = await measure(FEW);
    few.push(one.wholeUs);
    for (const [name, us] of one.stepsUs) steps.set(name, [...(steps.get(name) ?? []), us]);
    many.push((await measure(MANY)).wholeUs);
  }
  const ratio = median(many.map((us, at) => us / (few[at] ?? Number.NaN)));
  const rows = [...steps].map(([name, each]) => [name, shown(median(each))]);
  return [
    "A check without transport, processor time of all threads, and its steps alone:",
    table(["step", "µs"], [...rows, ["**whole check**", shown(median(few))]]),
    `The whole check with ${MANY.toLocaleString("en")} subjects who have a grant against ${FEW.toLocaleString("en")}: ` +
      `${shown(median(many))} µs against ${shown(median(few))} µs, × ${goal(ratio, ratio <= MANY_GOAL, `≤ ${MANY_GOAL}`)}.`,
  ].join("\n\n");
}

async function measure(subjects: number) {
  return answered.Parse(await startChild(PROGRAM, { subjects }, ["--max-old-space-size=8192"]).answer);
}
