import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { compareProfile, differencesBetween } from "./compare-profile.ts";
import { REQUIREMENTS } from "./profile-requirements.ts";

const COPY = { "arap-1": ["pdp", "MUST"], "arap-2": ["ars", "MAY"] } as const;
const ONE = { id: "arap-1", role: "pdp", level: "MUST" };
const TWO = { id: "arap-2", role: "ars", level: "MAY" };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-profile-"));
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ["a row more", [ONE, TWO, { ...ONE, id: "arap-3" }], "arap-3 (pdp, MUST) is not in the copy"],
  ["a row less", [ONE], "arap-2 is in the copy alone"],
  ["another key word", [ONE, { ...TWO, level: "MUST" }], "arap-2 is ars, MUST, not ars, MAY"],
  ["another role", [{ ...ONE, role: "pep" }, TWO], "arap-1 is pep, MUST, not pdp, MUST"],
  ["a row twice", [ONE, TWO, TWO], "arap-2 stands there twice"],
])("%s is a difference that is said, and the only one", (_what, table, said) => {
  expect(differencesBetween(table, COPY)).toEqual([said]);
});

test("the same rows in another order are no difference", () => {
  expect(differencesBetween([TWO, ONE], COPY)).toEqual([]);
});

test("a table that lost a row is a miss, one that is the copy passes, one that is no table is no result, and none is said", async () => {
  const rows = Object.entries(REQUIREMENTS).map(([id, [role, level]]) => ({ id, role, level, requirement: "…" }));
  const notes: string[] = [];
  const compared = async (content: unknown) => {
    await writeFile(join(folder, "access-request-profile.json"), JSON.stringify(content));
    return compareProfile(folder, (line) => notes.push(line));
  };
  expect(await compareProfile(folder, (line) => notes.push(line))).toEqual([]);
  expect(notes[0]).toContain("compared with nothing");
  expect(await compared(rows)).toMatchObject([{ kind: "passed" }]);
  expect(await compared(rows.slice(1))).toMatchObject([
    { kind: "missed", got: expect.stringContaining("in the copy alone") },
  ]);
  await expect(compared({ rows })).rejects.toThrow("not understood");
});
