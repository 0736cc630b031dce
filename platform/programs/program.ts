/**
 * One of our programs as a real process, as in production: its own Node, its own configuration file, and only the environment that it is given.
 * It can be stopped, killed, frozen and restarted with the same arguments, so on the same ports; it ends when the process that started it does,
 * for whatever reason. Its output goes to a file, which is there when something fails.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { nodeOptions } from "./launch/node-options.ts";

const ROOT = join(import.meta.dirname, "../..");
const LEASH = join(import.meta.dirname, "leash.ts");
const READY_MS = 60_000;
const POLL_MS = 25;
const STOP_MS = 20_000;
const SHOWN_LINES = 40;
/** Whose end lets a held program begin (platform/config/command-line.ts). */
const HOLD_FD = 3;

export interface Program extends AsyncDisposable {
  readonly name: string;
  /** The `--config` that it is started with. */
  readonly configPath: string;
  readonly isRunning: () => boolean;
  /** Of the running process. */
  readonly pid: () => number | undefined;
  /**
   * Resolves when it is ready. Rejects with the end of its log when it ends before, or is not ready in time. `after`: it is made at once, and
   * begins when that resolves: most of a start is the loading of modules, for which nothing else has to be there.
   */
  start(after?: Promise<unknown>): Promise<void>;
  /** SIGTERM: a graceful end. Resolves with the exit code, null when it had to be killed after all. */
  stop(): Promise<number | null>;
  /** SIGKILL: resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT: connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** SIGHUP: it reads its configuration and files again. */
  reload(): void;
  /** Everything it has said since the first start. */
  log(): Promise<string>;
  /** The end of what it has said since it was started last, for a message. */
  tail(): Promise<string>;
}

export type ProgramOptions = {
  readonly name: string;
  /** From the repository. */
  readonly main: string;
  /** What its `--config` file says. */
  readonly config: object;
  /** All the environment that it gets. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Answers 200 when it is ready. */
  readonly readyUrl: string;
  /** Where its configuration and its log stand, and where it works. */
  readonly folder: string;
  /** Modules that it loads before its own. */
  readonly preload?: readonly string[];
};

/** Does not start it. */
export function createProgram({
  name,
  main,
  config,
  env = {},
  readyUrl,
  folder,
  preload = [],
}: ProgramOptions): Program {
  const configPath = join(folder, `${name}.yaml`);
  const logPath = join(folder, `${name}.log`);
  let child: ChildProcess | undefined;
  /** How long its log was when it was started last. */
  let saidBefore = 0;
  /** An end that comes while the process is being made waits for it: otherwise it would find nothing to end, and leave one behind. */
  let making: Promise<unknown> = Promise.resolve();

  async function spawnProcess(isHeld: boolean): Promise<ChildProcess> {
    await writeFile(configPath, stringify(config, { aliasDuplicateObjects: false }));
    const options = [...(await nodeOptions()), ...[LEASH, ...preload].flatMap((one) => ["--import", one])];
    const output = await open(logPath, "a", 0o600);
    saidBefore = (await output.stat()).size;
    const started = spawn(process.execPath, [...options, resolve(ROOT, main), "--config", configPath], {
      cwd: folder,
      env: isHeld ? { ...env, START_AFTER_FD: String(HOLD_FD) } : { ...env },
      stdio: ["pipe", output.fd, output.fd, ...(isHeld ? ["pipe" as const] : [])],
      // A group of its own: Ctrl-C in a terminal reaches us alone, and we stop the programs in order. The leash ends them with us.
      detached: true,
    });
    child = started;
    for (const pipe of [started.stdin, started.stdio[HOLD_FD]]) pipe?.on("error", () => {});
    await output.close();
    return started;
  }

  async function log(): Promise<string> {
    return readFile(logPath, "utf8").catch(() => "");
  }

  async function tail(): Promise<string> {
    const all = await readFile(logPath).catch(() => Buffer.of());
    const said = all.subarray(saidBefore <= all.length ? saidBefore : 0); // a log may be cut meanwhile
    return said.toString("utf8").trimEnd().split("\n").slice(-SHOWN_LINES).join("\n");
  }

  async function explain(problem: string): Promise<Error> {
    return new Error(`${name} ${problem}; it said last:\n${await tail()}`);
  }

  async function end(signal: NodeJS.Signals, patienceMs: number): Promise<number | null> {
    await making;
    const one = child;
    if (one === undefined) return null;
    if (!runs(one)) return one.exitCode;
    const exit = once(one, "exit");
    one.kill(signal);
    one.kill("SIGCONT"); // a frozen one hears nothing but SIGKILL
    const late = setTimeout(() => one.kill("SIGKILL"), patienceMs);
    await exit;
    clearTimeout(late);
    return one.exitCode;
  }

  const program: Program = {
    name,
    configPath,
    isRunning: () => child !== undefined && runs(child),
    pid: () => child?.pid,
    async start(after) {
      if (program.isRunning()) throw new Error(`${name} is running already`);
      const made = spawnProcess(after !== undefined);
      making = made.catch(() => {});
      const started = await made;
      if (after !== undefined) {
        const ended = new Promise<void>((resolve) => void started.once("exit", () => resolve()));
        await Promise.race([after, ended]);
        started.stdio[HOLD_FD]?.destroy();
      }
      const deadline = performance.now() + READY_MS;
      for (;;) {
        if (!runs(started)) throw await explain(`ended with ${started.exitCode ?? started.signalCode} at start`);
        if (await answersReady(readyUrl)) return;
        if (performance.now() > deadline) break;
        await sleep(POLL_MS);
      }
      await end("SIGKILL", 0);
      throw await explain(`was not ready within ${READY_MS} ms`);
    },
    stop: () => end("SIGTERM", STOP_MS),
    async kill() {
      await end("SIGKILL", STOP_MS);
    },
    freeze: () => void child?.kill("SIGSTOP"),
    thaw: () => void child?.kill("SIGCONT"),
    reload: () => void child?.kill("SIGHUP"),
    log,
    tail,
    [Symbol.asyncDispose]: () => program.kill(),
  };
  return program;
}

function runs({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}

/** NB: by `node:http`, since until then most tries are refused connections, which cost `fetch` some milliseconds each. */
function answersReady(url: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const asking = get(url, { agent: false, timeout: 2_000 }, (response) => {
    response.resume();
    resolve(response.statusCode === 200);
  });
  asking.on("timeout", () => asking.destroy(new Error("it does not answer in time")));
  asking.on("error", () => resolve(false));
  return promise;
}
