/** Writes README's sentence about what a check costs from its section of docs/performance.md, so that nobody has to remember it after a measurement. */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { readSection, writeSection } from "./marked-section.ts";

const ROOT = path.resolve(import.meta.dirname, "..");
const README = path.join(ROOT, "README.md");
const ROW = "allowed by policy";

/** Cells of the first row of a table that has these first ones, each without what stands in brackets. @throws when there is none */
function row(section: string, ...first: readonly string[]): readonly string[] {
  const rows = section.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  const found = rows.find(([, ...cells]) => first.every((cell, index) => cells[index] === cell));
  if (found === undefined) throw new Error(`docs/performance.md has no row ${first.join(" | ")}`);
  return found.slice(1 + first.length).map((cell) => cell.replace(/ \(.*\)$/, ""));
}

const page = await readFile(path.join(ROOT, "docs/performance.md"), "utf8");
const section = readSection(page, "check");
const [, command, day, machine] = /^Measured by (`[^`]+`) on ([\d-]+): ([^;]+);/m.exec(section) ?? [];
const [, , processorUs, timesNull] = row(section, "c1 m16", ROW);
const [, p50Ms, p99Ms] = row(section, ROW);
const sentence =
  `A check that is allowed by policy takes ${processorUs} µs of processor time, ${timesNull} × what a gRPC server takes that looks at nothing and says yes;\n` +
  `at a quarter of the load that one core bears, half of them are answered within ${p50Ms} ms and 99 % within ${p99Ms} ms. Measured by\n` +
  `${command} on ${day}: ${machine} ([all of it](docs/performance.md)).`;

await writeFile(README, writeSection(await readFile(README, "utf8"), "figures", sentence));
