/** Each row of the profile's table is named by a test, or is on the list with a reason; and neither names a row that there is not. */
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { NOT_OURS } from "./not-ours.ts";
import { REQUIREMENTS } from "../../../scripts/conformance/authzen/profile-requirements.ts";

const root = join(import.meta.dirname, "../../..");
const IDS = new Set(Object.keys(REQUIREMENTS));
/** The name of a test: the first text after `test(` or after the table of `test.each`. */
const NAMES = /(?:\btest\(|\](?: as const)?\)\()\s*(["'`])((?:(?!\1).)*)\1/g;

async function namedByTests(): Promise<ReadonlySet<string>> {
  const named = new Set<string>();
  for await (const file of glob("{core,services,test}/**/*.test.ts", { cwd: root })) {
    const text = await readFile(join(root, file), "utf8");
    for (const [, , name = ""] of text.matchAll(NAMES)) {
      for (const [id] of name.matchAll(/\barap-\d+(?:-\d+)*/g)) named.add(id);
    }
  }
  return named;
}

test("every row of the Access Request profile has a test that names it, or a reason why it has none", async () => {
  const named = await namedByTests();
  expect(named.size).toBeGreaterThan(60);
  expect([...IDS].filter((id) => !named.has(id) && !NOT_OURS.has(id))).toEqual([]);
  expect([...IDS].filter((id) => named.has(id) && NOT_OURS.has(id))).toEqual([]);
});

test("no reason stands for a test where the profile says what a decision point or an access request service must do", () => {
  const musts = Object.entries(REQUIREMENTS).filter(([, [role, level]]) => role !== "pep" && level.startsWith("MUST"));
  expect(musts.length).toBeGreaterThan(70);
  expect(musts.filter(([id]) => NOT_OURS.has(id))).toEqual([]);
});

test("no test and no reason is for a row that there is not, and no reason is empty", async () => {
  expect([...(await namedByTests()), ...NOT_OURS.keys()].filter((id) => !IDS.has(id))).toEqual([]);
  for (const reason of NOT_OURS.values()) expect(reason.length).toBeGreaterThan(20);
});
