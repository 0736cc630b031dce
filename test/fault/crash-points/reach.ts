/**
 * Where a process that is armed ends itself: `kill -9`, at the point that the file beside its configuration names. The file is looked at
 * each time that a point is reached, so a running process under load can be armed; it is removed first, so the next start lives.
 */
import { appendFileSync, readFileSync, rmSync } from "node:fs";

/** Undefined in a process that is no service. */
const config = process.argv.includes("--config") ? process.argv[process.argv.indexOf("--config") + 1] : undefined;

/** Beside a program's configuration. */
export function armedFile(configPath: string): string {
  return configPath.replace(/\.yaml$/, ".crash");
}

/** Beside it too: what a program did that has no name, a line each. */
export function unnamedFile(configPath: string): string {
  return configPath.replace(/\.yaml$/, ".unnamed");
}

/** And each point that it came to, a line each, whether or not somebody had named it. */
export function reachedFile(configPath: string): string {
  return configPath.replace(/\.yaml$/, ".reached");
}

const reached = new Set<string>();

export function reach(point: string): void {
  if (config === undefined) return;
  if (!reached.has(point)) appendFileSync(reachedFile(config), `${point}\n`);
  reached.add(point);
  const file = armedFile(config);
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

/** Of what has no point: it does not happen, and the account says so. @throws always */
export function refuse(what: string): never {
  const line = what.replaceAll(/\s+/g, " ");
  if (config !== undefined) appendFileSync(unnamedFile(config), `${line}\n`);
  throw new Error(`no crash point is named for this (test/fault/crash-points/effects.ts): ${line}`);
}
