/** `npm start` as a process, as a person sees it: what it says, where things are, and its end. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createCall, textAt } from "../../platform/programs/client.ts";
import { keepLogsIn, keepText } from "./kept-logs.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

const ROOT = join(import.meta.dirname, "../..");
/** As on-node-24.sh has it, from any folder. */
const START: readonly string[] = [
  "--import",
  join(ROOT, "platform/programs/launch/quick-start.js"),
  join(ROOT, "sample/start.ts"),
];
/** Ready takes a few seconds on two idle cores; other tests may keep them busy. */
const READY_MS = 180_000;
/** For what it said last, when it has ended. Programs that outlive it hold its output open. */
const HEARD_MS = 3_000;

export type Started = {
  readonly child: ChildProcess;
  readonly said: () => string;
  /** Resolves with the milliseconds from the making of the process to the end of what it says when it is ready. */
  readonly ready: () => Promise<number>;
  /** Of the process; all that it said has been read then. */
  readonly ended: Promise<number | null>;
  /** What stands after a word in the list of addresses. */
  readonly address: (word: string) => string;
};

/**
 * `uid`: as that user, which only root may ask for. `byNpm`: the child is npm itself, in the folder of the project, and the first of a group of
 * its own, as a shell makes one for each command: what a terminal sends goes to `-child.pid`. `root`: of another copy of the project, for npm.
 */
export function startAsPerson({
  cwd,
  env,
  uid,
  byNpm = false,
  root = ROOT,
}: {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly byNpm?: boolean;
  readonly root?: string;
}): Started {
  const begun = performance.now();
  const [command, args] = byNpm ? ["npm", ["start"]] : [process.execPath, START];
  const child = spawn(command, args, {
    cwd: byNpm ? root : cwd,
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: byNpm,
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let said = "";
  let readyMs: number | undefined;
  const exited = new Promise<number | null>((resolve) => {
    child.once("exit", resolve);
    child.once("error", (error) => {
      said += String(error);
      resolve(null);
    });
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("Ctrl-C ends it")) readyMs ??= performance.now() - begun;
    });
  }
  const heard = once(child, "close").catch(() => {});
  const ended = exited.then(async (code) => {
    await Promise.race([heard, sleep(HEARD_MS, undefined, { ref: false })]);
    keepLogsIn(env["COUNTERSIGN_DATA"] ?? join(byNpm ? root : cwd, ".data"));
    return code;
  });
  child.once("close", () => keepText(said, "npm-start"));
  return {
    child,
    said: () => said,
    ended,
    async ready() {
      return waitUntil("npm start to be ready", READY_MS, () => {
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${said}`);
        return readyMs;
      });
    },
    address(word) {
      const found = new RegExp(`^  ${word}\\s+(http://\\S+)`, "m").exec(said)?.[1];
      if (found === undefined) throw new Error(`no ${word} in:\n${said}`);
      return found;
    },
  };
}

export type StartedAlone = {
  readonly folder: string;
  readonly data: string;
  readonly set: Started;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Ready, with a folder of its own that is removed with it. */
export async function startAlone(name: string): Promise<StartedAlone> {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  await chmod(folder, 0o711); // as root PostgreSQL runs as somebody else, who has to pass
  const data = join(folder, "data");
  const set = startAsPerson({ cwd: folder, env: { COUNTERSIGN_DATA: data } });
  const end = async () => {
    set.child.kill("SIGINT");
    await set.ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await set.ready();
  } catch (error) {
    await end();
    throw error;
  }
  return { folder, data, set, [Symbol.asyncDispose]: end };
}

/** For the proxy, or for the approval service. */
export async function tokenOf(user: string, set: Started, audience: "orders" | "countersign"): Promise<string> {
  const issuer = set.address("tokens").replace(/\/token$/, "");
  const { body } = await createCall(issuer, undefined)("POST", "/token", { body: { user, audience } });
  return textAt(body, "access_token");
}

/** A person's calls, by the addresses that were printed. */
export async function as(user: string, set: Started) {
  return {
    proxy: createCall(set.address("proxy"), await tokenOf(user, set, "orders")),
    approvals: createCall(set.address("approvals"), await tokenOf(user, set, "countersign")),
  };
}
