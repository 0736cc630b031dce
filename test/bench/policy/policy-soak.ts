/** `npm run bench -- policy-soak [--repeats EVALUATIONS]`: a million evaluations of inputs up to 64 KB, and whether memory stays flat. */
import { join } from "node:path";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { engineOptions } from "../../../platform/programs/launch/node-options.ts";
import { startChild } from "../child.ts";
import { goal, shown, table } from "../figures.ts";
import type { Bench } from "../run-bench.ts";

const MemorySchema = Type.Array(
  Type.Object({ rssMib: Type.Number(), heapMib: Type.Number(), youngMib: Type.Number() }),
);
const memorySchema = Compile(MemorySchema);
const EVALUATIONS = 1_000_000;

/**
 * Under the options of a service, which hold the young generation. Left alone V8 doubles it once it has copied enough, with few survivors after
 * some hundred thousand evaluations, and the process is 30 MiB larger from then on: nothing of ours, but as large as what is looked for.
 */
export async function soakPolicy(evaluations: number): Promise<Static<typeof MemorySchema>> {
  const { answer } = startChild(join(import.meta.dirname, "soak.ts"), { evaluations }, await engineOptions());
  return memorySchema.Parse(await answer);
}

/** Of the later half against the first fifth, by which everything has been compiled. */
export function growth(memory: Static<typeof MemorySchema>): number {
  const early = Math.max(...memory.slice(0, 4).map(({ rssMib }) => rssMib));
  const late = Math.max(...memory.slice(-10).map(({ rssMib }) => rssMib));
  return late / early;
}

export const benchPolicySoak: Bench = async ({ repeats: evaluations = EVALUATIONS }) => {
  const memory = await soakPolicy(evaluations);
  const grown = growth(memory);
  const rows = memory
    .map(({ rssMib, heapMib, youngMib }, at) => [
      Math.round(((at + 1) * evaluations) / memory.length).toLocaleString("en"),
      shown(rssMib),
      shown(heapMib),
      shown(youngMib),
    ])
    .filter((_, at) => at % 4 === 3 || at === 0);
  return {
    name: "policy-soak",
    title: "Memory over many evaluations",
    text: [
      `${evaluations.toLocaleString("en")} evaluations of inputs from 256 bytes to 64 KB, one in a thousand of which breaks its instance. V8's young generation is held as in every service (\`${(await engineOptions()).find((option) => option.startsWith("--max-semi-space-size"))}\`); left alone it is doubled once on the way, and the process is 30 MiB larger from then on. Memory of the last half against the first fifth: ${goal(grown, grown <= 1.1, "≤ 1.1")}.`,
      table(["evaluations", "process MiB", "JavaScript heap MiB", "young generation MiB"], rows),
    ].join("\n\n"),
  };
};
