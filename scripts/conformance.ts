/**
 * `npm run conformance -- KIND DIR`: runs a folder of foreign cases through our real host or server, prints each miss with
 * what was got and wanted, then the known misses with their reasons (test/conformance/<kind>-known-misses.json), and last
 * the plain line `N passed, M failed`. Known misses are neither; one that passes is a failure.
 */
import path from "node:path";
import { parseArgs } from "node:util";
import type { Runner } from "./conformance/case-outcome.ts";
import { readKnownMisses, score } from "./conformance/known-misses.ts";
import { runners } from "./conformance/runners.ts";

const root = path.resolve(import.meta.dirname, "..");
const say = (line: string) => process.stdout.write(`${line}\n`);

async function run(kind: string, runner: Runner, directory: string): Promise<void> {
  const known = await readKnownMisses(root, kind);
  const { passed, failed, known: missed, listFaults } = score(await runner(directory, say), known);
  for (const { id, want, got } of failed) say(`MISS ${id}\n  want ${want}\n  got  ${got}`);
  for (const { id, reason } of missed) say(`known miss ${id}: ${reason}`);
  for (const fault of listFaults) say(`FAULT ${fault}`);
  say(`${passed.length} passed, ${failed.length + listFaults.length} failed`);
  process.exitCode = passed.length === 0 || failed.length + listFaults.length > 0 ? 1 : 0;
}

const { positionals } = parseArgs({ allowPositionals: true });
const [kind = "", directory, ...rest] = positionals;
const runner = runners.get(kind);
if (runner === undefined || directory === undefined || rest.length > 0) {
  process.stderr.write(`usage: npm run conformance -- KIND DIR   (kinds: ${[...runners.keys()].join(", ")})\n`);
  process.exitCode = 2;
} else {
  await run(kind, runner, path.resolve(directory));
}
