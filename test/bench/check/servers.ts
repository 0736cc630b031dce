/** The two servers of the check bench, both up at once, each alone on its core while it is asked, and what they say of themselves. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { Cores } from "../cores.ts";
import { startFullService } from "./full-service.ts";

export type Measured = {
  readonly port: number;
  /** Seconds that the process has worked so far, and that its main thread has been stopped for collecting garbage. */
  work(): Promise<{ readonly cpuS: number; readonly gcS: number }>;
};

export type Servers = AsyncDisposable & { readonly floor: Measured; readonly full: Measured };

const Ports = Compile(Type.Object({ port: Type.Integer(), opsPort: Type.Integer() }));

export async function startServers(cores: Cores): Promise<Servers> {
  await using owned = new AsyncDisposableStack();
  const floor = spawn(process.execPath, [join(import.meta.dirname, "null-server.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  owned.defer(() => void floor.kill("SIGKILL"));
  const [line] = await once(createInterface({ input: floor.stdout }), "line");
  const ports = Ports.Parse(JSON.parse(String(line)));
  const decision = owned.use(await startFullService());
  for (const pid of [floor.pid, decision.pid()]) if (pid !== undefined) await cores.measured(pid);
  const all = owned.move();
  return {
    floor: { port: ports.port, work: () => workOf(`http://127.0.0.1:${ports.opsPort}`) },
    full: { port: decision.port, work: () => workOf(decision.opsUrl) },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function workOf(opsUrl: string): Promise<{ cpuS: number; gcS: number }> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  const sum = (name: string) => {
    const lines = text.split("\n").filter((line) => line.startsWith(name));
    return lines.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" "))), 0);
  };
  return { cpuS: sum("process_cpu_seconds_total "), gcS: sum("nodejs_gc_duration_seconds_sum") };
}
