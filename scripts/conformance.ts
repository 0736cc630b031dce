/**
 * `npm run conformance -- KIND DIR [--page]`: runs a folder of foreign cases through our real host or server, prints each miss with
 * what was got and wanted, then the known misses with their reasons (test/conformance/<kind>-known-misses.json), and last
 * the plain line `N passed, M failed`. Known misses are neither; one that passes is a failure. `--page` also writes the result into
 * docs/conformance.md.
 */
import path from "node:path";
import { scriptArguments } from "../platform/programs/script-arguments.ts";
import type { Runner } from "./conformance/case-outcome.ts";
import { readKnownMisses, score } from "./conformance/known-misses.ts";
import { writeRun } from "./conformance/page.ts";
import { runners } from "./conformance/runners.ts";

const root = path.resolve(import.meta.dirname, "..");
const say = (line: string) => process.stdout.write(`${line}\n`);

async function run(kind: string, runner: Runner, directory: string, page: boolean): Promise<void> {
  const known = await readKnownMisses(root, kind);
  const notes: string[] = [];
  const note = (line: string) => {
    notes.push(line);
    say(line);
  };
  const scored = score(await runner(directory, say, note), known);
  const { passed, failed, known: missed, listFaults } = scored;
  for (const { id, want, got } of failed) say(`MISS ${id}\n  want ${want}\n  got  ${got}`);
  for (const { id, reason } of missed) say(`known miss ${id}: ${reason}`);
  for (const fault of listFaults) say(`FAULT ${fault}`);
  say(`${passed.length} passed, ${failed.length + listFaults.length} failed`);
  if (page) await writeRun(root, { kind, score: scored, notes, now: new Date() });
  process.exitCode = passed.length === 0 || failed.length + listFaults.length > 0 ? 1 : 0;
}

const USAGE = `npm run conformance -- KIND DIR [--page]   (kinds: ${[...runners.keys()].join(", ")})`;
const { positionals, values } = scriptArguments(USAGE, {
  allowPositionals: true,
  options: { page: { type: "boolean" } },
});
const [kind = "", directory, ...rest] = positionals;
const runner = runners.get(kind);
if (runner === undefined || directory === undefined || rest.length > 0) {
  process.stderr.write(`usage: ${USAGE}\n`);
  process.exitCode = 2;
} else {
  await run(kind, runner, path.resolve(directory), values.page === true);
}
