/** The two pages that commands write hold what they are there for: a last result of everything, and the goals of it met. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { APPROVAL_POINTS, DECISION_POINTS } from "../fault/crash-points/points.ts";

const page = (name: string) => readFile(join(import.meta.dirname, "../../docs", name), "utf8");
const PERFORMANCE = await page("performance.md");

test("docs/soak.md is of ten rounds at every crash point that there is, with nothing lost and every restart within five seconds", async () => {
  const soak = await page("soak.md");
  const rows = [...soak.matchAll(/^\| (approval|decision)(?:-\d+)? \| (.+) \| (\d+) \| (\d+) \|$/gm)];
  const points = [
    ...APPROVAL_POINTS.map((point) => `approval: ${point}`),
    ...DECISION_POINTS.map((point) => `decision: ${point}`),
  ];
  expect(rows.map(([, service, point]) => `${service}: ${point}`).toSorted()).toEqual(points.toSorted());
  expect(rows.filter(([, , , times]) => Number(times) < 10)).toEqual([]);
  expect(rows.filter(([, , , , slowestMs]) => Number(slowestMs) >= 5_000)).toEqual([]);
  expect(soak).toMatch(/^\| lost, doubled or made up \| 0 \|$/m);
});

/** The text of a benchmark, and the sentence that says how it was measured. */
function sectionOf(name: string): string {
  const [, text = ""] = new RegExp(`<!-- begin ${name} -->([^]*)<!-- end ${name} -->`).exec(PERFORMANCE) ?? [];
  return text;
}

test.each(["check", "approval", "audit"])(
  "docs/performance.md says of %s by which command and on which machine",
  (name) => {
    expect(sectionOf(name)).toMatch(
      new RegExp(
        `^Measured by \`npm run bench -- ${name}\\b[^\`]*\` on \\d{4}-\\d\\d-\\d\\d: .+ cores, \\d+ GiB, Node v`,
        "m",
      ),
    );
  },
);

test("a check is at least 0.40 of one that does nothing, at both loads, and a million grants cost at most 1.15 times a thousand", () => {
  const text = sectionOf("check");
  for (const load of ["c1 m16", "c2 m32"]) {
    for (const by of ["policy", "a grant"]) {
      expect(text).toMatch(new RegExp(`^\\| ${load} \\| allowed by ${by} \\|.*goal ≥ 0\\.4: met`, "m"));
    }
  }
  expect(text).toMatch(/with 1,000,000 subjects .* against 1,000: .*goal ≤ 1\.15: met/);
  expect(text).toMatch(/^\| *\| checks\/s \| p50 ms \| p99 ms \|.*GC %/m);
  expect(text).toContain("| **whole check** |");
});

test("an approved call is let through within a second, on both streams; redemptions and events stand beside what does nothing else", () => {
  expect(sectionOf("approval").match(/^\| approve → retry allowed \|.*goal < 1000: met/gm)).toHaveLength(2);
  expect(sectionOf("approval").match(/^\| redemption over gRPC \| [\d,]+ \| [\d.]+ \|/gm)).toHaveLength(2);
  expect(sectionOf("audit").match(/^\| sealed and published, .*\| [\d,]+ \| [\d,]+ \| [\d.]+ \|$/gm)).toHaveLength(2);
});
