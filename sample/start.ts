/**
 * `npm start`: everything on one machine, from nothing but npm packages. Says what it starts, where things are and what to
 * try; then one line for each decision. Ctrl-C ends it all; what has to survive is in `.data/`.
 *
 * DATABASE_URL uses that PostgreSQL instead of one of our own; COUNTERSIGN_DATA names another folder than `.data`;
 * COUNTERSIGN_SETTINGS a file with what stands in place of the sample (docs/small-team.md).
 */
import { join, resolve } from "node:path";
import { styleText } from "node:util";
import { createLog } from "../platform/log/log.ts";
import { bundleForStart } from "./one-machine/bundles.ts";
import { onEndingSignal } from "./one-machine/ending-signals.ts";
import { keepLogsBounded } from "./one-machine/bounded-logs.ts";
import { followLog } from "./one-machine/follow-log.ts";
import { memoryOf, memoryText } from "./one-machine/memory.ts";
import { npmPid, whenNpmIsGone } from "./one-machine/npm.ts";
import { NO_SETTINGS, readOwnSettings } from "./one-machine/own-settings.ts";
import { createProgress } from "./one-machine/progress.ts";
import { type OneMachineSet, startOneMachine } from "./one-machine/set.ts";
import { decisionLine, noticeLine } from "./one-machine/terminal.ts";
import { unsupported } from "./one-machine/unsupported.ts";

const url = (port: number, path = "") => `http://127.0.0.1:${port}${path}`;

async function main(): Promise<number> {
  if (process.argv.length > 2) {
    process.stderr.write(
      "npm start takes no arguments; DATABASE_URL, COUNTERSIGN_DATA and COUNTERSIGN_SETTINGS are all there is to set\n",
    );
    return 2;
  }
  const databaseUrl = variable("DATABASE_URL");
  const refusal = unsupported(databaseUrl !== undefined);
  if (refusal !== undefined) {
    process.stderr.write(`${refusal}\n`);
    return 1;
  }
  const folder = resolve(variable("COUNTERSIGN_DATA") ?? ".data");
  const settings = variable("COUNTERSIGN_SETTINGS");
  const own = settings === undefined ? NO_SETTINGS : await readOwnSettings(settings);
  const ended = new AbortController();
  onEndingSignal(() => ended.abort());
  whenNpmIsGone(() => ended.abort());
  // Whoever read what we say may go (npm start | head); we go on, and end by a signal.
  process.stdout.on("error", () => {});

  const { show, line, end, elapsed } = createProgress();
  line(`${styleText("bold", "Countersign")} on one machine, data in ${folder}`);
  const starting = startOneMachine(
    {
      log: createLog({ name: "start", level: "silent" }),
      say: show,
      onNotice: (notice) => line(noticeLine(notice, new Date())),
    },
    {
      ...{ folder, databaseUrl, own, supervise: true, signal: ended.signal },
      bundled: bundleForStart({ say: show }, { signal: ended.signal }),
    },
  );
  await using set = await starting.catch((error: unknown) => {
    end();
    // Ctrl-C while it starts is no failure.
    if (ended.signal.aborted) return undefined;
    ended.abort(); // bundles may still be in the making
    throw error;
  });
  if (set === undefined) return 0;
  line(`\n${styleText(["bold", "green"], "Ready")} after ${elapsed()}\n`);
  for (const text of whatToTry(set)) line(text);
  // npm too, where it waits for us: it goes with what it started.
  const roots = [npmPid() ?? process.pid, set.database.pid].filter((pid) => pid !== undefined);
  const size = memoryText(await memoryOf(roots));
  line(
    styleText(
      "dim",
      `\n${[`Full logs: ${join(folder, "*.log")}.`, size, "Ctrl-C ends it."].filter(Boolean).join(" ")}\n`,
    ),
  );
  const onLine = (members: ReadonlyMap<string, unknown>) => {
    const text = decisionLine(members, new Date());
    if (text !== undefined) line(text);
  };
  const logs = [...set.programs.keys()].map((name) => join(folder, `${name}.log`));
  const { folder: database } = set.database;
  const bounding = keepLogsBounded(
    database === undefined ? logs : [...logs, join(database, "postgres.log")],
    ended.signal,
  );
  const following = followLog(join(folder, "decision.log"), onLine, ended.signal);

  const failure = await Promise.race([set.failed, aborted(ended.signal)]);
  if (failure !== undefined) process.stderr.write(`${failure.message}; see ${join(folder, "*.log")}\n`);
  ended.abort();
  await Promise.all([following, bounding]);
  line("\nStopping …");
  return failure === undefined ? 0 : 1;
}

/** An empty one counts as not set, as in the services' configuration. */
function variable(name: "DATABASE_URL" | "COUNTERSIGN_DATA" | "COUNTERSIGN_SETTINGS"): string | undefined {
  return process.env[name] || undefined;
}

/** NB: the calls are pasted into a shell as they stand. */
function whatToTry({ ports, programs }: OneMachineSet): readonly string[] {
  const places = [
    `  proxy      ${url(ports.gateway)}        what clients call`,
    `  approvals  ${url(ports.rest)}        REST, described by ${url(ports.rest, "/v1/openapi.json")}`,
  ];
  if (!programs.has("issuer")) return places; // tokens are somebody else's
  const curl = (user: string, audience: string, rest: string) =>
    `  curl -sw '\\n' -H "authorization: Bearer $(token ${user} ${audience})" ${rest}`;
  return [
    ...places,
    `  tokens     ${url(ports.issuer, "/token")}  for dana (asks), max (approves) and sam (watches)`,
    "",
    "Paste into another terminal; README.md goes on from there:",
    `  token() { curl -s ${url(ports.issuer, "/token")} -H 'accept: text/plain' -d user=$1 -d audience=$2; }`,
    curl("dana", "orders", url(ports.gateway, "/orders/42")),
    curl("dana", "orders", `-X DELETE ${url(ports.gateway, "/orders/42")}`),
    curl("sam", "countersign", url(ports.rest, "/v1/audit")),
  ];
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((done) => {
    if (signal.aborted) done(undefined);
    signal.addEventListener("abort", () => done(undefined), { once: true });
  });
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
