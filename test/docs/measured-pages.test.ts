/** The two pages that commands write hold what they are there for: a last result of everything, and the goals of it met. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { readSection } from "../../scripts/marked-section.ts";
import { withGoals } from "../bench/figures.ts";
import { APPROVAL_POINTS, DECISION_POINTS } from "../fault/crash-points/points.ts";
import { NOT_MET, shortOf } from "./not-met.ts";

const page = (name: string) => readFile(join(import.meta.dirname, "../../docs", name), "utf8");
const PERFORMANCE = await page("performance.md");

/** As many as `npm run soak` makes by itself. */
const FEWEST_ROUNDS = 10;
/** Fewer make no median that a slow moment of the machine leaves alone. */
const FEWEST_BENCH_ROUNDS = 5;

test("docs/soak.md is of every crash point that there is, at each in every round, with nothing lost and every restart within five seconds", async () => {
  const soak = await page("soak.md");
  const rows = [...soak.matchAll(/^\| (approval|decision)(?:-\d+)? \| (.+) \| (\d+) \| (\d+) \|$/gm)];
  const points = [
    ...[...APPROVAL_POINTS.keys()].map((point) => `approval: ${point}`),
    ...[...DECISION_POINTS.keys()].map((point) => `decision: ${point}`),
  ];
  expect(rows.map(([, service, point]) => `${service}: ${point}`).toSorted()).toEqual(points.toSorted());
  const readme = await readFile(join(import.meta.dirname, "../../README.md"), "utf8");
  expect(readme).toContain(`each of ${points.length} points`);
  const rounds = Number(/^\| crashes \| .*, (\d+) rounds \|$/m.exec(soak)?.[1]);
  expect(rounds).toBeGreaterThanOrEqual(FEWEST_ROUNDS);
  expect(rows.filter(([, , , times]) => Number(times) < rounds)).toEqual([]);
  expect(rows.filter(([, , , , slowestMs]) => Number(slowestMs) >= 5_000)).toEqual([]);
  expect(soak).toMatch(/^\| lost, doubled or made up \| 0 \|$/m);
});

/** What follows a name at a quarter of saturation: calls a second, then medians with the least and the most of p50, p99, p99.9 and GC. */
const AT_QUARTER = String.raw`\| [\d.,]+ \|(?: [\d.,]+ \([\d.,]+ to [\d.,]+\) \|){4}$`;

/** How many rounds each of its tables is of. */
function roundsOf(text: string): readonly number[] {
  return [...text.matchAll(/medians of (\d+) interleaved rounds/gi)].map(([, made]) => Number(made));
}

/** The text of a benchmark, and the sentence that says how it was measured. */
function sectionOf(name: string): string {
  return readSection(PERFORMANCE, name);
}

const SECTIONS = [
  "check",
  "serving",
  "identity",
  "authzen",
  "policy",
  "policy-soak",
  "bundle-swap",
  "approval",
  "audit",
  "stalls",
];
test.each(SECTIONS)("docs/performance.md says of %s by which command and on which machine", (name) => {
  expect(sectionOf(name)).toMatch(
    new RegExp(
      `^Measured by \`npm run bench -- ${name}\\b[^\`]*\` on \\d{4}-\\d\\d-\\d\\d: .+ cores, \\d+ GiB, Node v`,
      "m",
    ),
  );
});

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

test("the tail of a check stands there as p99.9 too, saturated and at a quarter of that, and both are of five rounds or more that took turns", () => {
  const text = sectionOf("check");
  const subjects = ["null grpc-js", "null on node:http2", "allowed by policy", "allowed by a grant"];
  expect(text).toMatch(/^\| load \|(?: [^|]* \|){5} p50 ms \| p99 ms \| p99\.9 ms \| GC % of CPU \|/m);
  expect(text).toMatch(/^\| *\| checks\/s \| p50 ms \| p99 ms \| p99\.9 ms \| GC % of CPU \|$/m);
  for (const subject of subjects) {
    for (const load of ["c1 m16", "c2 m32"]) {
      expect(text).toMatch(new RegExp(`^\\| ${load} \\| ${subject} \\|(?: [^|]+ \\|){4}(?: [\\d.,]+ \\|){4}`, "m"));
    }
    expect(text).toMatch(new RegExp(`^\\| ${subject} ${AT_QUARTER}`, "m"));
  }
  const rounds = roundsOf(text);
  expect(rounds).toHaveLength(2);
  expect(Math.min(...rounds)).toBeGreaterThanOrEqual(FEWEST_BENCH_ROUNDS);
});

test("the tail of an AuthZEN evaluation at a quarter of saturation stands there as that of a check does", () => {
  const text = sectionOf("authzen");
  for (const subject of ["null fastify", "AuthZEN over HTTP", "null grpc-js", "Evaluate over gRPC"]) {
    expect(text).toMatch(new RegExp(`^\\| ${subject} ${AT_QUARTER}`, "m"));
  }
  const rounds = roundsOf(text);
  expect(rounds).toHaveLength(2);
  expect(Math.min(...rounds)).toBeGreaterThanOrEqual(FEWEST_BENCH_ROUNDS);
});

test("an approved call is let through within a second, on both streams; redemptions and events stand beside what does nothing else", () => {
  expect(sectionOf("approval").match(/^\| approve → retry allowed \|.*goal < 1000: met/gm)).toHaveLength(2);
  expect(sectionOf("approval").match(/^\| redemption over gRPC \| [\d,]+ \| [\d.]+ \|/gm)).toHaveLength(2);
  expect(sectionOf("audit").match(/^\| sealed and published, .*\| [\d,]+ \| [\d,]+ \| [\d.]+ \|$/gm)).toHaveLength(2);
});

test("of redemptions and what is beside them the p99.9 and its calls stand there, on both streams; only a section from before has none of it", () => {
  const text = sectionOf("approval");
  const lane = "bare UPDATE|bare UPDATE with NOTIFY|redemption over gRPC";
  const withTail = text.match(new RegExp(`^\\| (?:${lane}) \\|(?: [\\d.,]+ \\|){6} [-\\d.,]+ \\|$`, "gm")) ?? [];
  expect(withTail).toHaveLength(text.includes("| p99 ms | CPU µs of the service |") ? 0 : 6);
});

/** What is aimed at for the policy host, each as its benchmark writes it; `times`: how many figures have that goal. */
const POLICY_GOALS = [
  { what: "a whole check against a null server", section: "check", goal: "≥ 0.5", times: 4 },
  { what: "our host, given what its policies read, against the stock SDK", section: "policy", goal: "≥ 1.5", times: 2 },
  {
    what: "checks beside a runaway policy in ten seconds against those without",
    section: "policy",
    goal: "≤ 2",
    times: 1,
  },
  { what: "memory over a million evaluations", section: "policy-soak", goal: "≤ 1.1", times: 1 },
  { what: "a second with a swap against one without", section: "bundle-swap", goal: "≤ 2", times: 2 },
  { what: "checks that fail while a bundle is swapped", section: "bundle-swap", goal: "0", times: 2 },
];

test.each(POLICY_GOALS)("the goal of $what, $goal, is met wherever docs/performance.md has it", (asked) => {
  // An evaluation of the whole input, which is that of a bundle without declared reads, stands there for comparison.
  const text = sectionOf(asked.section).replaceAll(/^\| \w+, whole \|.*$/gm, "");
  expect(goalsOf(text, asked.goal)).toEqual(Array.from({ length: asked.times }, () => "met"));
});

/** What is aimed at for the decision service, and met. */
const SERVICE_GOALS = [
  { what: "two workers against one", section: "serving", goal: "≥ 1.3", times: 1 },
  { what: "p99 against p50 at a quarter of saturation", section: "serving", goal: "≤ 10", times: 1 },
  { what: "microseconds for a known token", section: "identity", goal: "≤ 3", times: 1 },
  { what: "refusals that the cache of tokens holds", section: "identity", goal: "≤ 2,000", times: 1 },
  { what: "stalls of our own code longer than 25 ms in ten minutes", section: "stalls", goal: "0", times: 1 },
];

test.each(SERVICE_GOALS)(
  "the goal of $what, $goal, is met where docs/performance.md has it",
  ({ section, goal, times }) => {
    expect(goalsOf(sectionOf(section), goal)).toEqual(Array.from({ length: times }, () => "met"));
  },
);

test.each(NOT_MET)(
  "$what, $goal: docs/performance.md has every figure of it, none beyond its floor, and no more misses than are known",
  ({ section, ...floor }) => {
    expect(shortOf(floor, sectionOf(section))).toEqual([]);
  },
);

test("a figure beyond its floor is found, whatever the page says of its goal, and so are one that is no number, one too few and too many that miss", () => {
  const row = (name: string, figure: string) => `| ${name} | 9.99 | ${figure} (goal ≥ 0.6: NOT MET) |\n`;
  const floor = { row: /of \w+/, goal: "≥ 0.6", times: 2, least: 0.4, most: 1_000 };
  const good = row("of one", "0.41") + row("of two", "0.5") + row("of others, then", "0.1");
  expect(shortOf(floor, good)).toEqual([]);
  expect(shortOf(floor, good.replace("0.41", "0.39"))).toEqual(["0.39 (goal ≥ 0.6: NOT MET)"]);
  expect(shortOf(floor, good.replace("0.41", "1,001"))).toEqual(["1,001 (goal ≥ 0.6: NOT MET)"]);
  expect(shortOf(floor, good.replace("0.41", "-"))).toEqual(["- (goal ≥ 0.6: NOT MET)"]);
  expect(shortOf(floor, row("of one", "0.41"))).toEqual(["1 figures of 2"]);
  expect(shortOf({ ...floor, missed: 1 }, good)).toEqual(["2 missed, more than 1"]);
});

test("a page that says NOT MET for one of several figures is found, and so is one that no longer has the figure", () => {
  const text = "| GET | 1.72 (goal ≥ 1.5: met) | 1.06 (goal ≤ 1.10: met) |\n| DELETE | 1.40 (goal ≥ 1.5: NOT MET) |";
  expect(goalsOf(text, "≥ 1.5")).toEqual(["met", "NOT MET"]);
  expect(goalsOf(text, "≤ 1.1")).toEqual([]);
});

/** What the text says of each figure with this goal. */
function goalsOf(text: string, goal: string): readonly string[] {
  return withGoals(text)
    .filter(({ wanted }) => wanted === goal)
    .map(({ isMet }) => (isMet ? "met" : "NOT MET"));
}
