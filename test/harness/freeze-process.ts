/** Stops a process and all its threads, and returns when they stand: the signal alone may come after an answer that is on its way. */
import { readdirSync, readFileSync } from "node:fs";

const DEADLINE_MS = 10_000;

/** SIGSTOP. @throws when some thread still runs after ten seconds. NB: waits only where there is /proc. */
export function freezeProcess(pid: number): void {
  process.kill(pid, "SIGSTOP");
  if (process.platform !== "linux") return;
  const deadline = performance.now() + DEADLINE_MS;
  while (!readdirSync(`/proc/${pid}/task`).every((thread) => stands(`/proc/${pid}/task/${thread}/stat`))) {
    if (performance.now() > deadline) throw new Error(`process ${pid} still runs after SIGSTOP`);
  }
}

/** One that has ended meanwhile does. */
function stands(path: string): boolean {
  try {
    return /^[TtXZ]/.test(readFileSync(path, "utf8").replace(/^.*\) /s, ""));
  } catch {
    return true;
  }
}
