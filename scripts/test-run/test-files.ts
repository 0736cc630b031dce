/**
 * Which tests were asked for, and how each file is run: `unit` on two workers; `beside` another one, two at a time; `alone` on the machine. jest
 * decides which files a user's arguments select.
 *
 * What starts brokers, databases and proxies waits more than it works, and two of them keep two processors busy. Alone runs what looks at the time
 * that passed or at memory, what breaks things while it looks at the clock (test/fault, but for `UNHURRIED`), what comes out by chance, and
 * `npm start`, which takes the usual ports.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { BY_CHANCE } from "./by-chance.ts";

/** Below `test`; what is in none of them are unit tests. */
export const heavyFolders = ["integration", "e2e", "fault", "contract", "bench"];
export const nodeArgs = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"];

const MEASURES =
  /performance\.now\(\) -|harness\/(held-bytes|thread-time|slowness|growth|measured-start)\.ts|policy-soak\.ts/;
/** Calls are made without a pause meanwhile, and each has to be answered in time. */
const UNDER_LOAD = /rolling-restart/;
/** What a thread that blocks did with its time is asked, and another that wants its core would be in the answer. */
const WATCHED = /stalls.watch\.test/;
const USUAL_PORTS = /harness\/npm-start\.ts|:8080/;
/** Of test/fault: how long it took is printed, and no time is asked for but that it ends. */
const UNHURRIED = /approval-crash|exact-binding|forge/;
/** Chance is in none of what they expect: which inputs, and what is refused, is the same each time. */
const SAME_EACH_TIME = /fuzz|refused|hostile-bytes|half-characters|edge-matrix|enforcer-parity/;

type TestFiles = {
  readonly unit: readonly string[];
  readonly beside: readonly string[];
  readonly alone: readonly string[];
};

type Selected =
  | {
      readonly kind: "selected";
      readonly files: TestFiles;
      /** True when a selected file starts external tools. */
      readonly needsTools: boolean;
    }
  | { readonly kind: "failed"; readonly message: string };

export async function listTests(root: string, userArgs: readonly string[]): Promise<Selected> {
  const args = [...nodeArgs, jestFile(root), ...userArgs, "--listTests", "--json", "--passWithNoTests"];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
    const listed: unknown = JSON.parse(stdout);
    const names = Array.isArray(listed) ? listed.filter((file) => typeof file === "string") : [];
    const all = await Promise.all(names.map(async (file) => ({ file, text: await readFile(file, "utf8") })));
    const of = (how: keyof TestFiles) =>
      all.filter(({ file, text }) => howToRun(path.relative(root, file), text) === how);
    const files = { unit: of("unit"), beside: of("beside"), alone: of("alone") };
    const namesOf = (how: keyof TestFiles) => files[how].map(({ file }) => file);
    return {
      kind: "selected",
      files: { unit: namesOf("unit"), beside: namesOf("beside"), alone: namesOf("alone") },
      needsTools: all.length > files.unit.length || files.unit.some(({ text }) => /\bresolveTool\b/.test(text)),
    };
  } catch (error) {
    return { kind: "failed", message: String(error) };
  }
}

/** `name` is the path of the file from the root. */
export function howToRun(name: string, text: string): keyof TestFiles {
  const [top, folder = ""] = name.split(path.sep);
  if (top !== "test" || !heavyFolders.includes(folder)) return "unit";
  if (folder === "fault") return UNHURRIED.test(name) ? "beside" : "alone";
  if (MEASURES.test(text) || UNDER_LOAD.test(name) || WATCHED.test(name) || USUAL_PORTS.test(text)) return "alone";
  const isByChance = folder !== "contract" && BY_CHANCE.test(name) && !SAME_EACH_TIME.test(name);
  return isByChance ? "alone" : "beside";
}

export function jestFile(root: string): string {
  return path.join(root, "node_modules/jest/bin/jest.js");
}
