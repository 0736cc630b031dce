/**
 * `npm run bench -- shadow`: what a candidate that is evaluated in shadow beside the active policy does to the checks. Two services are up, one
 * with a candidate (the same policy under another revision, so that nothing differs and nothing is told) and one without, asked in turn.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { changed, sampleFiles } from "../harness/signed-bundle.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { token } from "../integration/decision/lone-decision.ts";
import { checks, closed, open } from "./check/check-load.ts";
import { startFullService } from "./check/full-service.ts";
import { sampleCheck } from "./check/sample-check.ts";
import { median, shown, table } from "./figures.ts";
import { atMost, interleave, type Lane } from "./load/interleave.ts";
import { measured } from "./load/measured.ts";
import { type Run, runLoad } from "./load/run-load.ts";
import type { Bench } from "./run-bench.ts";

const ROUNDS = 5;
const SECONDS = 3;
const OPEN_SECONDS = 3;
const RATIO_GOAL = 2;
const BUNDLE = join(import.meta.dirname, "../../rego/bundle");
const NAMES = ["without", "with"] as const;
const described = Compile(
  Type.Object({
    shadow: Type.Object({
      active: Type.Object({ revision: Type.String() }),
      compared: Type.Object({ agreed: Type.Integer(), differed: Type.Integer(), dropped: Type.Integer() }),
    }),
  }),
);

export const benchShadow: Bench = async ({ rounds = ROUNDS, seconds = SECONDS }, { cores, progress }) => {
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "bench-shadow-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const files = changed(await sampleFiles(), "candidate");
  await Promise.all([...files].map(([name, content]) => writeFile(join(folder, name), content)));
  const shadow = { path: folder };
  const start = (trust: object) => startFullService({ bundle: BUNDLE, trust, onBoth: cores.onBoth });
  const services = {
    without: owned.use(await start({ unsigned: "accepted" })),
    with: owned.use(await start({ unsigned: "accepted", shadow })),
  };
  const status = async () => {
    const document: unknown = await (await fetch(`${services.with.opsUrl}/v1/bundle`)).json();
    return described.Check(document) ? document.shadow : undefined;
  };
  await waitUntil("the candidate", 20_000, async () => (await status()) !== undefined);

  const requests = [sampleCheck("GET", token())];
  const load = () => checks(requests, closed(seconds));
  const server = {
    without: measured([services.without.port], [services.without.opsUrl]),
    with: measured([services.with.port], [services.with.opsUrl]),
  };
  const lanes: readonly Lane[] = NAMES.map((name) => ({ name, server: server[name], load }));
  for (const name of NAMES) await runLoad(server[name], load()); // compiled and warm
  const saturated = await interleave(lanes, rounds, progress);
  const ratePerS = saturated.median("without", ({ perS }) => perS) / 4;
  const quarter = await interleave(
    lanes.map((lane) => ({ ...lane, load: () => checks(requests, open(ratePerS, seconds * OPEN_SECONDS)) })),
    rounds,
    progress,
  );
  const compared = (await status())?.compared;
  if (compared === undefined || compared.agreed === 0 || compared.differed > 0)
    throw new Error("the candidate was not asked, or decides otherwise: what was measured is not what is said");
  const each = (runs: readonly Run[], pick: (one: Run) => number) => shown(median(runs.map(pick)));
  const row = (name: (typeof NAMES)[number]) => [
    ...[name, each(quarter.of(name), ({ p50Ms }) => p50Ms), each(quarter.of(name), ({ p99Ms }) => p99Ms)],
    name === "without"
      ? "1"
      : atMost(
          quarter.ratio(name, "without", ({ p99Ms }) => p99Ms),
          RATIO_GOAL,
        ),
    each(quarter.of(name), ({ cpuUs }) => cpuUs),
    each(saturated.of(name), ({ perS }) => perS),
    shown(saturated.ratio(name, "without", ({ perS }) => perS)),
  ];
  return {
    name: "shadow",
    title: "A candidate in shadow",
    text: [
      `Medians of ${rounds} interleaved rounds; ratios within a round. Latencies at ${shown(ratePerS)} checks a second for ${seconds * OPEN_SECONDS} s, a quarter of the saturation without a candidate. The candidate has a thread of its own; the service may use both cores, one of which the load generator and the database use too. Of all decisions the candidate was asked ${compared.agreed.toLocaleString("en")}, and agreed with each; ${compared.dropped.toLocaleString("en")} more were dropped because it was behind.`,
      table(
        ["candidate", "p50 ms", "p99 ms", "× without", "CPU µs, both threads", "saturated: checks/s", "× without"],
        NAMES.map(row),
      ),
    ].join("\n\n"),
  };
};
