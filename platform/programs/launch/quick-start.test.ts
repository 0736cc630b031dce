/** A bundle of packages stands in for exactly what it was made from, and for nothing of ours: shown in a small project of its own. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";

const LAMP = 'export const lamp = "bundled";';
const LAUNCH = "platform/programs/launch";
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "quick-start-"));
  cpSync(import.meta.dirname, join(root, LAUNCH), { recursive: true });
  write("package.json", '{ "type": "module" }');
  write("scripts/bundle-packages.ts", "// how it is bundled");
  write("scripts/bundle-packages/specifiers.json", '["lamp"]');
  write("node_modules/.package-lock.json", '{ "lamp": 1 }');
  write("node_modules/lamp/package.json", '{ "type": "module", "exports": "./index.js" }');
  write("node_modules/lamp/index.js", 'export const lamp = "as installed";');
  write("main.ts", 'import { lamp } from "lamp"; import { ours } from "./ours.ts"; console.log(`${lamp}, ${ours}`);');
  write("ours.ts", 'export const ours: string = "first";');
});
afterEach(() => rmSync(root, { recursive: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

function run(file = "main.ts"): string {
  const args = ["--import", join(root, LAUNCH, "quick-start.js"), join(root, file)];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return `${stdout}${stderr}`.trimEnd();
}

/** In the place of what scripts/bundle-packages.ts makes. */
function makeBundle(index = `{ "packages": { "lamp": "lamp.mjs" }, "sizes": { "lamp.mjs": ${LAMP.length} } }`): string {
  write("folder.ts", `import { bundleFolder } from "./${LAUNCH}/bundled-packages.js"; console.log(bundleFolder());`);
  const folder = run("folder.ts").slice(root.length + 1);
  write(join(folder, "lamp.mjs"), LAMP);
  write(join(folder, "index.json"), index);
  return folder;
}

test("without a bundle packages load as they are, with one from there, and our own files are read anew at each start", () => {
  expect(run()).toBe("as installed, first");
  makeBundle();
  expect(run()).toBe("bundled, first");
  write("ours.ts", 'export const ours: string = "second";');
  expect(run()).toBe("bundled, second");
  expect(readdirSync(join(root, "node_modules/.cache/countersign")).length).toBeGreaterThan(1); // compiled code is kept too
});

test.each([
  ["another installation", "node_modules/.package-lock.json", '{ "lamp": 2 }'],
  ["another way to bundle", "scripts/bundle-packages.ts", "// another way"],
  ["another import of our sources", "scripts/bundle-packages/specifiers.json", '["lamp", "desk"]'],
])("after %s an old bundle is not met", (_, file, text) => {
  makeBundle();
  write(file, text);
  expect(run()).toBe("as installed, first");
});

test.each(["", "{", '"no object"'])("a bundle whose index is %p is none", (index) => {
  makeBundle(index);
  expect(run()).toBe("as installed, first");
});

test("a bundle that lost a file, or a part of one, is none", () => {
  const folder = makeBundle();
  for (const text of ["", LAMP.slice(1)]) {
    write(join(folder, "lamp.mjs"), text);
    expect(run()).toBe("as installed, first");
  }
  rmSync(join(root, folder, "lamp.mjs"));
  expect(run()).toBe("as installed, first");
});

test("what a package asks for is beside it, also where that is in the bundle", () => {
  makeBundle();
  write("node_modules/desk/package.json", '{ "type": "module", "exports": "./index.js" }');
  write("node_modules/desk/index.js", 'export { lamp } from "lamp";');
  write("main.ts", 'import { lamp } from "desk"; console.log(lamp);');
  expect(run()).toBe("as installed");
});

test("an error names the line of the source, and a file of ours that is not there is named", () => {
  makeBundle();
  write("ours.ts", 'type Long = {\n  a: string };\nthrow new Error("broken");\nexport const ours: Long = { a: "" };');
  expect(run()).toContain(join(root, "ours.ts:3"));
  write("main.ts", 'import "./gone.ts";');
  expect(run()).toContain(join(root, "gone.ts"));
});
