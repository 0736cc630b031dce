/**
 * Each row of the profile's table is one of three: kept, which a test that names it shows; deviated from, with the reason (deviates.ts); or not
 * applicable, with the reason (not-ours.ts). docs/authzen.md says how many there are of each, and which are deviated from.
 */
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "@jest/globals";
import { REQUIREMENTS } from "../../../scripts/conformance/authzen/profile-requirements.ts";
import { DEVIATES, REASONS } from "./deviates.ts";
import { NOT_OFFERED, NOT_OURS } from "./not-ours.ts";

const root = join(import.meta.dirname, "../../..");
const IDS = Object.keys(REQUIREMENTS);
const LISTS = [DEVIATES, NOT_OFFERED, NOT_OURS];
/** The name of a test: the first text after `test(` or after the table of `test.each`. */
const NAMES = /(?:\btest\(|\](?: as const)?\)\()\s*(["'`])((?:(?!\1).)*)\1/g;

let named: ReadonlySet<string>;
let page: string;
beforeAll(async () => {
  named = await namedByTests();
  page = await readFile(join(root, "docs/authzen.md"), "utf8");
});

async function namedByTests(): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for await (const file of glob("{core,services,test}/**/*.test.ts", { cwd: root })) {
    const text = await readFile(join(root, file), "utf8");
    for (const [, , name = ""] of text.matchAll(NAMES)) {
      for (const [id] of name.matchAll(/\barap-\d+(?:-\d+)*/g)) found.add(id);
    }
  }
  return found;
}

const mustsOf = (...roles: readonly string[]) =>
  Object.entries(REQUIREMENTS)
    .filter(([, [role, level]]) => roles.includes(role) && level.startsWith("MUST"))
    .map(([id]) => id);
const kept = () => IDS.filter((id) => named.has(id) && LISTS.every((list) => !list.has(id)));

test("every row of the Access Request profile has a test that names it, or a reason why it has none, and no row has two reasons", () => {
  expect(IDS.filter((id) => !named.has(id) && LISTS.every((list) => !list.has(id)))).toEqual([]);
  expect(IDS.filter((id) => LISTS.filter((list) => list.has(id)).length > 1)).toEqual([]);
  expect([...NOT_OURS.keys()].filter((id) => named.has(id))).toEqual([]);
});

test("what the profile says a decision point or an access request service must do is shown, or what is done or not offered in its place is", () => {
  const musts = mustsOf("pdp", "ars", "all");
  expect(musts.length).toBeGreaterThan(70);
  expect(musts.filter((id) => !named.has(id))).toEqual([]);
  expect([...NOT_OFFERED.keys()].filter((id) => !named.has(id))).toEqual([]);
});

test("no test and no reason is for a row that there is not, and no reason is empty", () => {
  const all = [...named, ...LISTS.flatMap((list) => [...list.keys()])];
  expect(all.filter((id) => !IDS.includes(id))).toEqual([]);
  for (const list of LISTS) for (const reason of list.values()) expect(reason.length).toBeGreaterThan(20);
});

test("the page says how many rows are kept, deviated from and not applicable, and of those deviated from which and why", () => {
  const counts = [kept().length, DEVIATES.size, NOT_OFFERED.size + NOT_OURS.size];
  expect(counts.reduce((sum, count) => sum + count)).toBe(IDS.length);
  const sentence = /Of its (\d+) rows (\d+) are kept, (\d+) deviated from, and (\d+) do not apply/;
  const [, ...said] = sentence.exec(page.replace(/\s+/g, " ")) ?? [];
  expect(said.map(Number)).toEqual([IDS.length, ...counts]);
  const rows = [...page.matchAll(/^\| (arap-[^|]*) \| (.*) \|$/gm)].map(([, ids, reason]) => [ids, reason]);
  expect(rows).toEqual(Object.entries(REASONS).map(([reason, ids]) => [ids.join(", "), reason]));
});
