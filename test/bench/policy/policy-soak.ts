/** `npm run bench -- policy-soak [--repeats EVALUATIONS]`: a million evaluations of inputs up to 64 KB, and whether memory stays flat. */
import { join } from "node:path";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { startChild } from "../child.ts";
import { goal, shown, table } from "../figures.ts";
import type { Bench } from "../run-bench.ts";

const MemorySchema = Type.Array(Type.Object({ rssMib: Type.Number(), heapMib: Type.Number() }));
const memorySchema = Compile(MemorySchema);
const EVALUATIONS = 1_000_000;

export function soakPolicy(evaluations: number): Promise<Static<typeof MemorySchema>> {
  return startChild(join(import.meta.dirname, "soak.ts"), { evaluations }).answer.then((said) =>
    memorySchema.Parse(said),
  );
}

/** Of the later half against the first tenth, by which everything has been compiled. */
export function growth(memory: Static<typeof MemorySchema>): number {
  const early = Math.max(...memory.slice(0, 4).map(({ rssMib }) => rssMib));
  const late = Math.max(...memory.slice(-10).map(({ rssMib }) => rssMib));
  return late / early;
}

export const benchPolicySoak: Bench = async ({ repeats: evaluations = EVALUATIONS }) => {
  const memory = await soakPolicy(evaluations);
  const grown = growth(memory);
  const rows = memory
    .map(({ rssMib, heapMib }, at) => [
      Math.round(((at + 1) * evaluations) / memory.length).toLocaleString("en"),
      shown(rssMib),
      shown(heapMib),
    ])
    .filter((_, at) => at % 4 === 3 || at === 0);
  return {
    name: "policy-soak",
    title: "Memory over many evaluations",
    text: [
      `${evaluations.toLocaleString("en")} evaluations of inputs from 256 bytes to 64 KB, one in a thousand of which breaks its instance. Memory of the last half against the first fifth: ${goal(grown, grown <= 1.1, "≤ 1.1")}.`,
      table(["evaluations", "process MiB", "JavaScript heap MiB"], rows),
    ].join("\n\n"),
  };
};
