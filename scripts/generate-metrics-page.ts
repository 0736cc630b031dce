/**
 * Writes docs/metrics.md: every metric and every logged event of the programs, read from the calls that make them, and what to alert on.
 * Fails when an event has two places in one program (then two things would be counted as one), or none names it, or what is to count it is not there.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { ALERTS } from "./metrics-page/alerts.ts";
import { readCountedBy } from "./metrics-page/read-counted-by.ts";
import { type LoggedEvent, readEvents } from "./metrics-page/read-events.ts";
import { type Metric, readMetrics } from "./metrics-page/read-metrics.ts";

const root = path.resolve(import.meta.dirname, "..");
const PROGRAMS = [
  {
    title: "Decision service",
    folder: "services/decision",
    run: "main/run-service.ts",
    prefix: "countersign_decision_",
  },
  {
    title: "Approval service",
    folder: "services/approval",
    run: "main/run-service.ts",
    prefix: "countersign_approval_",
  },
  { title: "Gateway", folder: "enforcers/node", run: "main/run-gateway.ts", prefix: "countersign_gateway_" },
];
/** What every program may be made of besides its own folder; an enforcer has nothing of the core, so none of its metrics. */
const SHARED = ["platform", "core"];
const WITHOUT_CORE = "enforcers/node";

type Found = {
  readonly metrics: readonly Metric[];
  readonly events: readonly LoggedEvent[];
  /** Of an event, what counts it in place of `events_total`. */
  readonly countedBy: readonly (readonly [event: string, counter: string])[];
};

type Program = Pick<(typeof PROGRAMS)[number], "run" | "prefix">;

async function found(folder: string, program?: Program): Promise<Found> {
  const entries = await readdir(path.join(root, folder), { recursive: true, encoding: "utf8" });
  const metrics: Metric[] = [];
  const events: LoggedEvent[] = [];
  const countedBy: Found["countedBy"][number][] = [];
  for (const file of entries.filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts")).toSorted()) {
    const name = path.join(folder, file);
    const text = await readFile(path.join(root, name), "utf8");
    if (file === program?.run && !text.includes(`prefix: "${program.prefix}"`)) {
      throw new Error(`${name}: not ${program.prefix}`);
    }
    metrics.push(...readMetrics(name, text));
    events.push(...readEvents(name, text));
    countedBy.push(...readCountedBy(name, text));
  }
  return { metrics, events, countedBy };
}

function placesTwice(events: readonly LoggedEvent[]): void {
  const places = new Map<string, string>();
  for (const { name, place } of events) {
    const other = places.get(name);
    if (other !== undefined) throw new Error(`event ${name} is logged at two places: ${other} and ${place}`);
    places.set(name, place);
  }
}

function eventTable(events: readonly LoggedEvent[]): string {
  const rows = events
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, level, message }) => `| \`${name}\` | ${level} | ${message} |`);
  return `| event | level | said |\n|---|---|---|\n${rows.join("\n")}\n`;
}

const unused = new Set(ALERTS.keys());
const countedElsewhere: string[] = [];
const sections: string[] = [];
const platform = await found("platform");
const shared = (await Promise.all(SHARED.map((folder) => found(folder)))).reduce((one, other) => ({
  metrics: [...one.metrics, ...other.metrics],
  events: [...one.events, ...other.events],
  countedBy: [...one.countedBy, ...other.countedBy],
}));
if (shared.countedBy.length > 0)
  throw new Error("what has a counter of its own is said by a program, and not by what several share");
for (const { title, folder, run, prefix } of PROGRAMS) {
  const { metrics, events, countedBy } = await found(folder, { run, prefix });
  placesTwice([...shared.events, ...events]);
  for (const [event, counter] of countedBy) {
    if (!events.some(({ name }) => name === event) || !metrics.some(({ name }) => name === counter))
      throw new Error(`${folder}: ${event}, or ${counter} that is to count it, is not there`);
    countedElsewhere.push(`; \`${event}\` is counted by \`${counter}\` alone`);
  }
  // Alternatives (the policy in compatibility mode and the native one) keep one metric under one name; a process makes one of them.
  const byName = new Map(
    [...(folder === WITHOUT_CORE ? platform : shared).metrics, ...metrics]
      .toReversed()
      .map((metric) => [metric.name, metric]),
  );
  const rows = [...byName.values()]
    .map(({ name, type, help, labels }) => ({ name: `${prefix}${name}`, type, help, labels: labels.join(", ") || "–" }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, type, labels, help }) => {
      unused.delete(name);
      return `| \`${name}\` | ${type} | ${labels} | ${help} | ${ALERTS.get(name)?.replaceAll(/\bX\b/g, name) ?? "–"} |`;
    });
  sections.push(
    `## ${title}\n\n| metric | type | labels | meaning | alert on |\n|---|---|---|---|---|\n${rows.join("\n")}\n\n${eventTable(events)}`,
  );
}
if (unused.size > 0) throw new Error(`alerts for metrics that do not exist: ${[...unused].join(", ")}`);

const intro = `# Metrics and events

Generated from the calls that make them (\`npm run generate\`). Each program serves its metrics as Prometheus text at \`/metrics\` of its
\`ops\` port, together with the process metrics of prom-client (\`process_…\`, \`nodejs_…\`). Label values come from closed lists and never identify a
person or a request. Gauges that ask the database or the stream have no value while it does not answer, unless their row says another thing.

A program that is gone counts nothing and is in no sum, so alert on that by itself, for each job: \`up == 0 or absent(up{job="…"})\`; and on
\`/readyz\` that is not 200. A counter with labels has no series before its first count, and \`increase\` does not see that one: "any increase" is
\`increase(X[10m]) > 0 or (X unless X offset 10m) > 0\`.

Each log line is an event: \`event\` names it, one place in the program writes it, and \`events_total\` counts it, whatever \`logLevel\`
is${countedElsewhere.join("")}. Lines contain ids, but never a token, a body, a header or a query value.
`;
const everywhere = `## In every program\n\n${eventTable(shared.events)}`;
await writeFile(path.join(root, "docs/metrics.md"), `${intro}\n${[...sections, everywhere].join("\n")}`);
