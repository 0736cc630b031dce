/**
 * A program of ours from its command line to its exit code: the configuration, or why there is none; a log whose events are counted; metrics; what
 * is read anew at SIGHUP; and the life of the process, to which all that is opened is handed over.
 */
import { sayInstead, type Started } from "../config/command-line.ts";
import { type CountedBy, countEvents } from "../log/count-events.ts";
import { createLog, type Log, type LogLevel } from "../log/log.ts";
import { createMetrics, type Metrics } from "../metrics/metrics.ts";
import { wasHungUp } from "./early-hang-up.ts";
import { type Lifecycle, run } from "./lifecycle.ts";
import { createReload, type Reload } from "./reload.ts";

/** What a program is constructed with. NB: `reload` begins when the program says so, once every part is there. */
export type Running<C> = {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly lifecycle: Lifecycle;
  readonly reload: Reload<C>;
};

type Options<C> = {
  /** In each line of its log. */
  readonly name: string;
  /** Of its metrics. */
  readonly prefix: string;
  /** From a command line, without node and script. Never rejects. */
  readonly read: (args: readonly string[]) => Promise<Started<C>>;
  /** How long it may take to end, all in all. */
  readonly endMs: (config: C) => number;
  /** Default: `events_total` counts every event. */
  readonly countedBy?: CountedBy;
};

/** Until it ends; the code to end with. Never rejects. */
export async function runProgram<C extends { readonly instance: string; readonly logLevel: LogLevel }>(
  { name, prefix, read, endMs, countedBy }: Options<C>,
  start: (config: C, running: Running<C>) => Promise<void>,
): Promise<number> {
  const readAgain = () => read(process.argv.slice(2));
  const started = await readAgain();
  if (started.kind === "exit") return sayInstead(started);
  const { config } = started;
  const metrics = createMetrics({ prefix });
  const onEvent = countEvents(metrics, countedBy);
  const log = createLog({ name, instance: config.instance, level: config.logLevel, onEvent });
  return run({ log }, { drainDeadlineMs: endMs(config), source: process }, async (lifecycle) => {
    const reload = lifecycle.own(createReload({ log, metrics, source: process, wasHungUp, read: readAgain }, config));
    await start(config, { log, metrics, lifecycle, reload });
  });
}
