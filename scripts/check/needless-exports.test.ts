import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { needlessExports } from "./needless-exports.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "needless-"));
  await mkdir(path.join(root, "core"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function found(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(root, "core", name), text);
  return needlessExports(root);
}

test.each([
  ["a function", "export function lone() {}"],
  ["an async function", "export async function lone() {}"],
  ["a constant", "export const lone = 1;"],
  ["a class", "export class lone {}"],
  ["a type", "export type lone = 1;"],
  ["an interface", "export interface lone {}"],
  ["what is exported apart", "const lone = 1;\nexport { lone };"],
])("%s that only its own file uses is found", async (_what, text) => {
  const line = text.split("\n").length;
  expect(await found({ "a.ts": text, "b.ts": 'import { other } from "./a.ts";' })).toEqual([
    `core/a.ts:${line}: lone is exported and no other file imports it`,
  ]);
});

test.each([
  ["by name", 'import { lone } from "./a.ts";'],
  ["under another name", 'import { lone as other } from "./a.ts";'],
  ["as a type", 'import type { lone } from "./a.ts";'],
  ["with everything", 'import * as all from "./a.ts";'],
  ["while running", 'const all = await import("./a.ts");'],
  ["as a program of its own", 'new Worker(new URL("./a.ts", import.meta.url));'],
  ["to pass it on", 'export type { lone } from "./a.ts";'],
])("what another file imports %s is not", async (_how, text) => {
  const files = { "a.ts": "export const lone = 1;", "b.ts": text, "c.ts": 'import { lone } from "./b.ts";' };
  expect(await found(files)).toEqual([]);
});
