/**
 * What programs say that tests start, kept beyond the test in the folder TEST_LOGS, where `npm test` makes one and searches it at the end of the run
 * for secrets (scripts/test-run/search-logs.ts). A file there begins with the name of the test file. Without the folder nothing is kept.
 * Nothing here waits, so that whoever ends a program meanwhile finds it as before.
 */
import { closeSync, linkSync, openSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

let count = 0;

function placeFor(name: string): string | undefined {
  const folder = process.env["TEST_LOGS"];
  if (folder === undefined) return undefined;
  count += 1;
  return join(folder, `${process.env["TEST_FILE"] ?? "no-test"}.${process.pid}-${count}.${name}.log`);
}

/** The file, made if there is none, gets a second name: that of the test can be removed, and however the test ends all of it stays. */
export function keepFile(file: string, name: string): void {
  const place = placeFor(name);
  if (place === undefined) return;
  closeSync(openSync(file, "a", 0o600));
  linkSync(file, place);
}

/** Of a program whose words come through a pipe, when it has ended. */
export function keepText(text: string, name: string): void {
  const place = placeFor(name);
  if (place !== undefined) writeFileSync(place, text, { mode: 0o600 });
}

/** Every log that a set of programs has in its data folder, if there is one; what is kept already is not kept twice. */
export function keepLogsIn(folder: string): void {
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats?.isDirectory() !== true) return;
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    if (name.endsWith(".log") && statSync(file).nlink === 1) keepFile(file, name.replace(/\.log$/, ""));
  }
}
