/**
 * `docs/performance.md`: one section for each benchmark, each with the command, the day and the machine it was measured on. A run replaces
 * its own section and leaves the others. Nobody writes figures there by hand.
 */
import { readFile, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { writeSection } from "../../scripts/marked-section.ts";

const PAGE = join(import.meta.dirname, "../../docs/performance.md");

export type Section = {
  /** As in `npm run bench -- NAME`. */
  readonly name: string;
  readonly title: string;
  /** Markdown. */
  readonly text: string;
};

type Circumstances = {
  /** Behind `npm run bench -- `. */
  readonly command: string;
  /** In words: what ran where. */
  readonly cores: string;
  readonly now: Date;
};

export async function writeMeasured(
  { name, title, text }: Section,
  { command, cores, now }: Circumstances,
): Promise<void> {
  const page = await readFile(PAGE, "utf8");
  const measured = `Measured by \`npm run bench -- ${command}\` on ${now.toISOString().slice(0, 10)}: ${machine()}; ${cores}.`;
  await writeFile(PAGE, writeSection(page, name, `## ${title}\n\n${measured}\n\n${text.trim()}`));
}

function machine(): string {
  const all = cpus();
  const gib = Math.round(totalmem() / 2 ** 30);
  return `${all[0]?.model.trim() ?? "unknown processor"}, ${all.length} cores, ${gib} GiB, Node ${process.version}`;
}
