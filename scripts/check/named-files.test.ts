import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { missingNames } from "./named-files.ts";

let root: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "named-files-"));
  await mkdir(path.join(root, "docs/adr"), { recursive: true });
  await mkdir(path.join(root, "core/domain"), { recursive: true });
  await writeFile(path.join(root, "core/domain/grant.ts"), "");
  await writeFile(path.join(root, "package.json"), JSON.stringify({ scripts: { check: "x" } }));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function faultsOf(text: string, document = "docs/page.md"): Promise<readonly string[]> {
  await writeFile(path.join(root, document), text);
  const faults = await missingNames(root);
  await rm(path.join(root, document));
  return faults;
}

test("a file or folder that is named and does not exist is found, with the line", async () => {
  expect(await faultsOf("# A\n\n`core/domain/gone.ts` and `core/gone/` do.\n")).toEqual([
    "docs/page.md:3: core/domain/gone.ts does not exist",
    "docs/page.md:3: core/gone does not exist",
  ]);
  expect(await faultsOf("[a](../../core/gone.ts#part)", "docs/adr/0001.md")).toEqual([
    "docs/adr/0001.md:1: core/gone.ts does not exist",
  ]);
});

test("a mark of a merge that was not finished is found", async () => {
  const mark = "<".repeat(7);
  expect(await faultsOf(`a\n${mark} HEAD\nb\n`)).toEqual(["docs/page.md:2: the mark of a conflict is left"]);
  expect(await faultsOf(`a ${mark} HEAD\n`)).toEqual([]);
});

test("also where a line stands behind it, or the path begins at the folder itself", async () => {
  expect(await faultsOf("`core/domain/gone.ts:12`, `./core/gone.ts`, `core/domain/grant.ts:1`\n")).toEqual([
    "docs/page.md:1: core/domain/gone.ts does not exist",
    "docs/page.md:1: core/gone.ts does not exist",
  ]);
});

test("a script of npm that is named and does not exist is found", async () => {
  expect(await faultsOf("`npm run gone -- x`, `npm run check`, npm run\n`npm run -- x`\n")).toEqual([
    "docs/page.md:1: npm run gone does not exist",
  ]);
});

test("what is installed is not looked for: a fresh clone has less of it", async () => {
  await mkdir(path.join(root, "node_modules"), { recursive: true });
  expect(await faultsOf("`node_modules/.cache` and `node_modules/a/b.js`\n")).toEqual([]);
});

test("what exists, is elsewhere, or is no path, is not", async () => {
  const text =
    "`core/domain/grant.ts`, `core/domain`, `core/*/x.ts`, `text/plain`, `/v1/audit`, [a](https://example.com/b)\n";
  expect(await faultsOf(text)).toEqual([]);
  expect(await faultsOf("[a](core/domain/grant.ts)", "README.md")).toEqual([]);
});
