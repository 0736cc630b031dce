/** Writes docs/metrics.md: every metric of the programs, read from the calls that make them, and what to alert on. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { ALERTS } from "./metrics-page/alerts.ts";
import { readMetrics } from "./metrics-page/read-metrics.ts";

const root = path.resolve(import.meta.dirname, "..");
const PROGRAMS = [
  { title: "Decision service", folder: "services/decision", prefix: "countersign_decision_" },
  { title: "Approval service", folder: "services/approval", prefix: "countersign_approval_" },
  { title: "Gateway", folder: "enforcers/node", prefix: "countersign_gateway_" },
];

const unused = new Set(ALERTS.keys());
const sections: string[] = [];
for (const { title, folder, prefix } of PROGRAMS) {
  const entries = await readdir(path.join(root, folder), { recursive: true, encoding: "utf8" });
  const files = entries.filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts")).toSorted();
  const metrics = [];
  for (const file of files) {
    const name = path.join(folder, file);
    const text = await readFile(path.join(root, name), "utf8");
    if (file === "main.ts" && !text.includes(`prefix: "${prefix}"`)) throw new Error(`${name}: not ${prefix}`);
    metrics.push(...readMetrics(name, text));
  }
  // Alternatives (the policy in compatibility mode and the native one) keep one metric under one name; a process makes one of them.
  const byName = new Map(metrics.toReversed().map((metric) => [metric.name, metric]));
  const rows = [...byName.values()]
    .map(({ name, type, help, labels }) => ({ name: `${prefix}${name}`, type, help, labels: labels.join(", ") || "–" }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, type, labels, help }) => {
      unused.delete(name);
      return `| \`${name}\` | ${type} | ${labels} | ${help} | ${ALERTS.get(name) ?? "–"} |`;
    });
  sections.push(
    `## ${title}\n\n| metric | type | labels | meaning | alert on |\n|---|---|---|---|---|\n${rows.join("\n")}\n`,
  );
}
if (unused.size > 0) throw new Error(`alerts for metrics that do not exist: ${[...unused].join(", ")}`);

const intro = `# Metrics

Generated from the calls that make them (\`npm run generate\`). Each program serves them as Prometheus text at \`/metrics\` of its \`ops\`
port, besides the process metrics of prom-client (\`process_…\`, \`nodejs_…\`). Labels are closed lists, never an id of a person or a
request. Gauges that ask the database or the stream have no value while it does not answer. Alert on \`/readyz\` and on a scrape that
fails as well: a program that is gone counts nothing.
`;
await writeFile(path.join(root, "docs/metrics.md"), `${intro}\n${sections.join("\n")}`);
