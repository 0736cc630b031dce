/** A program that ends by itself: its configuration as YAML text, an environment of its own, and what it said when it ended. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { keepText } from "./kept-logs.ts";

const ROOT = join(import.meta.dirname, "../..");

export type Ended = { readonly code: number | null; readonly out: string; readonly err: string };

/**
 * `main` from the root. Resolves when it has ended; one that has not ended in `deadlineMs` is killed, and its code is null. `until`: it is told
 * to end (SIGTERM) when it has said this.
 */
export async function runService(
  main: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  {
    deadlineMs = 60_000,
    cwd = ROOT,
    until,
  }: { readonly deadlineMs?: number; readonly cwd?: string; readonly until?: RegExp | undefined } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [join(ROOT, main), ...args], {
    cwd,
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.err += text));
  if (until !== undefined) {
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", () => until.test(said.out + said.err) && child.kill("SIGTERM"));
  }
  const late = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
  await once(child, "close");
  clearTimeout(late);
  keepText(`${said.out}\n${said.err}`, main.replaceAll("/", "-"));
  return { code: child.exitCode, ...said };
}
