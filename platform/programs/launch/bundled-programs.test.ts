/** A bundle of a program's sources stands in for exactly what it was made from: shown in a small project of its own. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";

const LAUNCH = "platform/programs/launch";
const FOLDER = "node_modules/.cache/countersign/programs/main.ts";
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "quick-start-"));
  cpSync(import.meta.dirname, join(root, LAUNCH), { recursive: true });
  write("package.json", '{ "type": "module" }');
  write("node_modules/lamp/package.json", '{ "type": "module", "exports": "./index.js" }');
  write("node_modules/lamp/index.js", 'export const lamp = "lamp";');
  write("main.ts", 'import { lamp } from "lamp"; import { ours } from "./ours.ts"; console.log(`${lamp}, ${ours}`);');
  write("ours.ts", 'export const ours: string = "from the source";');
  makeBundle();
});
afterEach(() => rmSync(root, { recursive: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

function run(...args: readonly string[]): string {
  const quickStart = ["--import", join(root, LAUNCH, "quick-start.js")];
  const { stdout, stderr } = spawnSync(process.execPath, [...quickStart, ...args], { encoding: "utf8", cwd: root });
  return `${stdout}${stderr}`.trimEnd();
}

/** In the place of what scripts/bundle-programs.ts makes. */
function makeBundle(): void {
  write(`${FOLDER}/main.mjs`, 'import { lamp } from "lamp"; console.log(`${lamp}, bundled`);');
  const program = `
    import { writeFileSync } from "node:fs";
    import { stampOf } from "./${LAUNCH}/bundled-programs.js";
    const files = ["main.ts", "ours.ts", "${FOLDER}/main.mjs"];
    const stamps = Object.fromEntries(files.map((file) => [file, stampOf(file)]));
    writeFileSync("${FOLDER}/index.json", JSON.stringify({ entry: "main.mjs", stamps }));`;
  expect(run("--input-type=module", "-e", program)).toBe("");
}

const main = () => run(join(root, "main.ts"));

test("a program runs from its bundle, also from another folder, and finds its packages; another program runs from its source", () => {
  expect(main()).toBe("lamp, bundled");
  write("other.ts", 'console.log("another one" satisfies string);');
  expect(run(join(root, "other.ts"))).toBe("another one");
});

test.each<[string, () => void]>([
  ["changed", () => write("ours.ts", 'export const ours: string = "edited";')],
  [
    "changed to text of the same length, with its old times",
    () => {
      const { atime, mtime } = statSync(join(root, "ours.ts"));
      write("ours.ts", 'export const ours: string = "From the source";');
      utimesSync(join(root, "ours.ts"), atime, mtime);
    },
  ],
  [
    "put in the place of the old one",
    () => {
      write("new.ts", 'export const ours: string = "from THE source";');
      renameSync(join(root, "new.ts"), join(root, "ours.ts"));
    },
  ],
  [
    "removed and written again",
    () => {
      rmSync(join(root, "ours.ts"));
      write("ours.ts", 'export const ours: string = "from the source";');
    },
  ],
])("a source that was %s is what runs", (_how, change) => {
  change();
  expect(main().toLowerCase()).toMatch(/^lamp, (from the source|edited)$/);
});

test("a program before which something else is loaded runs from its sources, since that may be about one of them", () => {
  const before = "data:text/javascript,globalThis.before=1";
  expect(run("--import", before, join(root, "main.ts"))).toBe("lamp, from the source");
  expect(run(`--import=${before}`, join(root, "main.ts"))).toBe("lamp, from the source");
});

test("a source that is gone is said, though a bundle has it", () => {
  rmSync(join(root, "ours.ts"));
  expect(main()).toContain("ERR_MODULE_NOT_FOUND");
});

test.each([
  ["that lost some bytes", () => write(`${FOLDER}/main.mjs`, "console.log(")],
  ["without its index", () => rmSync(join(root, FOLDER, "index.json"))],
  ["whose index is damaged", () => write(`${FOLDER}/index.json`, "{")],
  ["whose index names nothing", () => write(`${FOLDER}/index.json`, "null")],
])("a bundle %s is none", (_what, damage) => {
  damage();
  expect(main()).toBe("lamp, from the source");
});
