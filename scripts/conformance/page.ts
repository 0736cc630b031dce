/**
 * `docs/conformance.md`: one section for each kind of cases, with the command and the day. A run with `--page` replaces its own section and
 * leaves the others. Nobody writes figures there by hand.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { writeSection } from "../marked-section.ts";
import type { Score } from "./known-misses.ts";

type Run = {
  readonly kind: string;
  readonly score: Score;
  /** What the runner says of its result. */
  readonly notes: readonly string[];
  readonly now: Date;
};

export async function writeRun(root: string, run: Run): Promise<void> {
  const file = path.join(root, "docs/conformance.md");
  await writeFile(file, withRun(await readFile(file, "utf8"), run));
}

/** `page` with the section of this kind written anew. @throws Error when the page has no place for it */
export function withRun(page: string, run: Run): string {
  return writeSection(page, run.kind, sectionOf(run));
}

function sectionOf({ kind, score: { passed, failed, known, listFaults }, notes, now }: Run): string {
  const counts = `${passed.length} passed, ${failed.length + listFaults.length} failed, ${known.length} known misses`;
  const lines = [
    `Run by \`npm run conformance -- ${kind} DIR --page\` on ${now.toISOString().slice(0, 10)}: **${counts}**.`,
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${note}`).join("\n")]),
    ...(failed.length === 0 ? [] : [`Failed: ${failed.map(({ id }) => `\`${id}\``).join(", ")}.`]),
    ...(known.length === 0 ? [] : [missTable(known)]),
  ];
  return lines.join("\n\n");
}

function missTable(known: Score["known"]): string {
  const rows = [...Map.groupBy(known, ({ reason }) => reason)].map(
    ([reason, misses]) =>
      `| ${cell(reason)} | ${misses.length} | ${misses.map(({ id }) => `\`${cell(id)}\``).join("<br>")} |`,
  );
  return ["| missed on purpose, because | cases | which |", "|---|---|---|", ...rows].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
}
