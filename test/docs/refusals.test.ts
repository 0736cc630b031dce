/** docs/bundles.md says what to do about every reason that a bundle can be refused for, and about no other. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { REFUSALS } from "../../core/policy/bundles/refusals.ts";

const page = readFileSync(path.join(import.meta.dirname, "../../docs/bundles.md"), "utf8");

test("every refusal of a bundle stands once in the table, and nothing else does", () => {
  const [, table = ""] = page.split("| reason | what to do |\n");
  const [rows = ""] = table.split("\n\n");
  const reasons = rows
    .split("\n")
    .flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([a-z_]+)`/g)].map(([, reason]) => reason));
  expect(new Set(reasons)).toEqual(new Set(REFUSALS));
  expect(reasons).toHaveLength(REFUSALS.length);
});
