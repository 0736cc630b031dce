/**
 * `npm start`: everything on one machine, from nothing but npm packages. Says what it starts, where things are and what to
 * try; then one line for each decision. Ctrl-C ends it all; what has to survive is in `.data/`.
 *
 * DATABASE_URL uses that PostgreSQL instead of one of our own; COUNTERSIGN_DATA names another folder than `.data`.
 */
import { join, resolve } from "node:path";
import { styleText } from "node:util";
import { createLog } from "../platform/log/log.ts";
import { followLog } from "./one-machine/follow-log.ts";
import { proportionalMegabytes } from "./one-machine/memory.ts";
import { type OneMachineSet, type Said, startOneMachine } from "./one-machine/set.ts";
import { decisionLine, noticeLine } from "./one-machine/terminal.ts";
import { unsupported } from "./one-machine/unsupported.ts";

const say = (line: string) => process.stdout.write(`${line}\n`);
const url = (port: number, path = "") => `http://127.0.0.1:${port}${path}`;

async function main(): Promise<number> {
  const refusal = unsupported(process.env["DATABASE_URL"] !== undefined);
  if (refusal !== undefined) {
    process.stderr.write(`${refusal}\n`);
    return 1;
  }
  const folder = resolve(process.env["COUNTERSIGN_DATA"] ?? ".data");
  const begun = performance.now();
  const ended = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ended.abort());

  const elapsed = () => `${((performance.now() - begun) / 1_000).toFixed(1)} s`;
  const progress = ({ kind, what, detail }: Said) => {
    if (kind === "ready")
      say(`  ${styleText("green", "✓")} ${what.padEnd(9)} ${styleText("dim", `${detail} ${elapsed()}`.trim())}`);
    if (kind === "ended") say(`  ${styleText("red", "✗")} ${what} ended; ${detail}`);
  };
  say(`Countersign on one machine; data in ${folder}`);
  await using set = await startOneMachine(
    {
      log: createLog({ name: "start", level: "silent" }),
      say: progress,
      onNotice: (notice) => say(noticeLine(notice, new Date())),
    },
    { folder, databaseUrl: process.env["DATABASE_URL"], supervise: true },
  );
  const megabytes = await proportionalMegabytes([process.pid, set.database.pid].filter((pid) => pid !== undefined));
  say(`Ready after ${elapsed()}${megabytes === undefined ? "" : `, ${megabytes} MB in all`}.\n`);
  for (const line of whatToTry(set)) say(line);
  say(styleText("dim", `\nFull logs: ${join(folder, "*.log")}   Ctrl-C ends it.\n`));
  const show = (line: ReadonlyMap<string, unknown>) => {
    const text = decisionLine(line, new Date());
    if (text !== undefined) say(text);
  };
  const following = followLog(join(folder, "decision.log"), show, ended.signal);

  const failure = await Promise.race([set.failed, aborted(ended.signal)]);
  if (failure !== undefined) process.stderr.write(`${failure.message}; see ${join(folder, "*.log")}\n`);
  ended.abort();
  await following;
  say("Stopping …");
  return failure === undefined ? 0 : 1;
}

function whatToTry({ ports }: OneMachineSet): readonly string[] {
  return [
    `  proxy      ${url(ports.gateway)}        what clients call`,
    `  approvals  ${url(ports.rest)}        REST; ${url(ports.rest, "/v1/openapi.json")}`,
    `  tokens     ${url(ports.issuer, "/token")}  for dana (asks), max (approves) and sam (security)`,
    "",
    "Try in another terminal:",
    `  token() { curl -s ${url(ports.issuer, "/token")} -H 'accept: text/plain' -d user=$1; }`,
    `  curl -i -H "authorization: Bearer $(token dana)" ${url(ports.gateway, "/orders/42")}`,
    `  curl -i -H "authorization: Bearer $(token dana)" -X DELETE ${url(ports.gateway, "/orders/42")}`,
    '  and how dana asks and max approves: README.md, "Ask and approve"',
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
