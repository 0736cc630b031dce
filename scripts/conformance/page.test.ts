import { expect, test } from "@jest/globals";
import { score } from "./known-misses.ts";
import { withRun } from "./page.ts";

const PAGE = "# Cases\n\n<!-- begin a -->\nold\n<!-- end a -->\n\n<!-- begin b -->\nkept\n<!-- end b -->\n";
const missed = (id: string) => ({ kind: "missed", id, want: "x", got: "y" }) as const;
const outcomes = [{ kind: "passed", id: "one" }, missed("two"), missed("three"), missed("four")] as const;
const reasons = new Map(["two", "three"].map((id) => [id, "no network in a decision"]));

test("a run replaces its own section: counts, what failed, and the misses by their reason", () => {
  const page = withRun(PAGE, { kind: "a", score: score(outcomes, reasons), notes: ["4 cases"], now: new Date(0) });
  expect(page).not.toContain("old");
  expect(page).toContain("kept");
  expect(page).toContain("on 1970-01-01: **1 passed, 1 failed, 2 known misses**");
  expect(page).toContain("- 4 cases");
  expect(page).toContain("Failed: `four`.");
  expect(page).toContain("| no network in a decision | 2 | `two`<br>`three` |");
});

test("a page without a place for the kind is an error", () => {
  const run = { kind: "c", score: score([], new Map()), notes: [], now: new Date(0) };
  expect(() => withRun(PAGE, run)).toThrow("<!-- begin c -->");
});
