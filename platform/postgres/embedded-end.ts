/** How a PostgreSQL server of our own is ended. */
import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
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
