/** Ends a PostgreSQL server of our own. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { RunUser } from "./embedded-folders.ts";
import { endClient } from "./end-client.ts";

/** By a fast shutdown, and harder when that does not help. `child`: undefined for a server that was adopted. @throws when it does not end. */
export async function stopServer(pid: number, child: ChildProcess | undefined, owner: pg.Client): Promise<void> {
  await endClient(owner);
  for (const [signal, patienceMs] of [
    ["SIGINT", 10_000],
    ["SIGQUIT", 5_000],
    ["SIGKILL", 5_000],
  ] as const) {
    if (!send(pid, signal)) return;
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline) {
      if (child === undefined ? !send(pid, 0) : hasEnded(child)) return;
      await sleep(10);
    }
  }
  throw new Error(`embedded postgres (process ${pid}) does not end`);
}

/**
 * Ends the server when this process is gone, however that went (also by kill -9), which is when the pipe on standard input closes. Whose server it
 * is, PostgreSQL's own tool reads from the files, so that no other process that has its number by then can be meant. Kill what this returns to
 * let the server go on.
 */
export function endWithUs({
  cluster,
  binaries,
  user,
}: {
  readonly cluster: string;
  readonly binaries: string;
  readonly user: RunUser;
}): ChildProcess {
  const script = 'read -r _; exec "$0" stop -D "$1" -m fast -s -W';
  const child = spawn("/bin/sh", ["-c", script, join(binaries, "bin", "pg_ctl"), cluster], {
    ...user.spawn,
    cwd: cluster,
    stdio: ["pipe", "ignore", "ignore"],
    detached: true, // Ctrl-C in a terminal reaches us alone
  });
  child.on("error", () => {});
  child.stdin.on("error", () => {});
  child.unref();
  if ("unref" in child.stdin && typeof child.stdin.unref === "function") child.stdin.unref();
  return child;
}

export function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
