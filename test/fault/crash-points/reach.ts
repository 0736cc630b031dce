/**
 * Where a process that is armed ends itself: `kill -9`, at the point that the file beside its configuration names. The file is looked at
 * each time that a point is reached, so a running process under load can be armed; it is removed first, so the next start lives.
 */
import { readFileSync, rmSync } from "node:fs";

const config = process.argv[process.argv.indexOf("--config") + 1] ?? "";
const file = armedFile(config);

/** Beside a program's configuration. */
export function armedFile(configPath: string): string {
  return configPath.replace(/\.yaml$/, ".crash");
}

export function reach(point: string): void {
  let armed: string;
  try {
    armed = readFileSync(file, "utf8");
  } catch {
    return;
  }
  if (armed !== point) return;
  rmSync(file, { force: true });
  process.kill(process.pid, "SIGKILL");
}
