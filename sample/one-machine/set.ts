/**
 * Everything on one machine: database, token issuer, orders API, both services and the gateway, each program a process of its
 * own, watched by this one. A program that ends by itself is started again; when this process ends, however, they all end,
 * the database too. One that was left running all the same is taken over by the next start.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../../platform/log/log.ts";
import { createProgram, type Program } from "../../platform/programs/program.ts";
import { lockDataFolder, openDataFolder } from "./data-folder.ts";
import { databaseUrls, openSetDatabase, type SetDatabase } from "./database.ts";
import { type Kept, keepRunning } from "./keep-running.ts";
import { startNotices } from "./notices.ts";
import { NO_SETTINGS, type OwnSettings } from "./own-settings.ts";
import { choosePorts, type Ports } from "./ports.ts";
import { lastWords } from "./terminal.ts";
import { ENDING, plansBesides, type ProgramPlan, servicePlans } from "./settings.ts";

/** `note`: something is not as usual. `ended`: by itself; `detail` says how it goes on. */
export type Said = {
  readonly kind: "starting" | "ready" | "note" | "ended";
  readonly what: string;
  readonly detail: string;
};

export interface OneMachineSet extends AsyncDisposable {
  readonly ports: Ports;
  readonly database: SetDatabase;
  readonly programs: ReadonlyMap<string, Program>;
  /** Notifications to approvers, as they came. */
  readonly notices: readonly unknown[];
  /** Resolves when a program cannot be kept running. */
  readonly failed: Promise<Error>;
}

type SetOptions = {
  /** Everything that has to survive. */
  readonly folder: string;
  readonly databaseUrl?: string | undefined;
  /** In place of the sample. */
  readonly own?: OwnSettings;
  /** Free ports instead of the usual ones. */
  readonly anyPorts?: boolean;
  /** What programs are started from is being made, until this resolves. */
  readonly bundled?: Promise<unknown>;
  /** Start again what ends by itself. */
  readonly supervise?: boolean;
  /** Gives up a start that is not wanted any more. */
  readonly signal?: AbortSignal;
};

/** Resolves when all is ready. What was started is ended when something does not start, or `signal` is aborted, which rejects with its reason. */
export async function startOneMachine(
  {
    log,
    say,
    onNotice = () => {},
  }: { readonly log: Log; readonly say: (said: Said) => void; readonly onNotice?: (notice: unknown) => void },
  { folder, databaseUrl, own = NO_SETTINGS, anyPorts = false, bundled, supervise = false, signal }: SetOptions,
): Promise<OneMachineSet> {
  await using owned = new AsyncDisposableStack();
  const data = await openDataFolder(folder);
  owned.use(await lockDataFolder(folder));
  const unwanted = rejectedBy(signal);
  say({ kind: "starting", what: "database", detail: "" });
  const opening = openSetDatabase({ log }, { folder, url: databaseUrl, signal });
  opening.catch(() => {}); // told below, where it is waited for: it may fail before that
  // What is not wanted any more is still to be ended when it is there.
  owned.defer(async () => (await opening.catch(() => undefined))?.[Symbol.asyncDispose]());
  // One that is not ours and cannot be used is said before anything else is.
  if (databaseUrl !== undefined) await Promise.race([opening, unwanted]);
  const { ports, moved } = owned.use(await choosePorts({ any: anyPorts }));
  for (const { part, port, usual } of moved) {
    say({ kind: "note", what: part, detail: `is on port ${port}, since ${usual} is taken` });
  }
  const notices = owned.use(await startNotices({ secret: data.webhookSecret, onNotice }));

  const stop = new AbortController();
  const failed = Promise.withResolvers<Error>();
  const programs = new Map<string, Program>();

  async function start(plan: ProgramPlan, after?: Promise<unknown>): Promise<void> {
    say({ kind: "starting", what: plan.name, detail: "" });
    const program = createProgram({ ...plan, env: { PATH: process.env["PATH"], ...plan.env }, folder });
    programs.set(plan.name, program);
    await program.start(after);
    say({ kind: "ready", what: plan.name, detail: "" });
    // NB: a service that finds no database ends; where that ended too, it is waited for.
    keep({
      ...program,
      start: () => program.start(databaseBack()),
      tail: async () => `it said last: ${lastWords(await program.tail())}; see ${join(folder, `${plan.name}.log`)}`,
    });
  }
  const databaseBack = async () => {
    const one = await opening;
    while (!stop.signal.aborted && !one.isRunning())
      await sleep(100, undefined, { signal: stop.signal }).catch(() => {});
  };
  const keep = (kept: Kept) => {
    if (supervise) keepRunning(kept, say, stop.signal).catch(failed.resolve);
  };

  owned.defer(async () => {
    stop.abort();
    for (const name of ENDING) await programs.get(name)?.stop();
  });
  const urls = await Promise.race([databaseUrls({ folder, url: databaseUrl }), unwanted]);
  await Promise.race([bundled, neverFrom(opening), unwanted]);
  const started = Promise.all([
    ...plansBesides({ data, ports, own }).map((plan) => start(plan)),
    ...servicePlans({ data, database: urls, ports, webhookUrl: notices.url, own }).map((plan) => start(plan, opening)),
  ]);
  const database = await Promise.race([opening, neverFrom(started), unwanted]);
  say({ kind: "ready", what: "database", detail: database.description });
  keep({ ...database, name: "database" });
  await Promise.race([started, unwanted]);

  const all = owned.move();
  return {
    ports,
    database,
    programs,
    notices: notices.all,
    failed: failed.promise,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Rejects when `one` does, and never resolves. */
function neverFrom(one: Promise<unknown>): Promise<never> {
  return one.then(() => new Promise<never>(() => {}));
}

/** Never resolves. */
function rejectedBy(signal: AbortSignal | undefined): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {}); // aborted when nobody races any more
  if (signal?.aborted) reject(signal.reason);
  signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  return promise;
}
