/** A TypeScript file of the tests as a process of its own, whose lines can be waited for and which can be killed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface NodeProcess extends AsyncDisposable {
  /** What it has said so far. */
  readonly lines: readonly string[];
  /** SIGKILL; resolves when it is gone and everything that it said has been read. */
  kill(): Promise<void>;
}

export function startNodeProcess(file: string, args: readonly string[]): NodeProcess {
  const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const running: NodeProcess = {
    lines,
    async kill() {
      child.kill("SIGKILL");
      await closed;
    },
    [Symbol.asyncDispose]: () => running.kill(),
  };
  return running;
}
