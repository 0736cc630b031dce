/**
 * Which processor core a process runs on. With two or more, what is measured has the first one to itself and everything else shares the
 * second, so that a figure per second is a figure per core. Needs `taskset`; without it nothing is bound, and the page says so.
 */
import { execFile } from "node:child_process";
import { cpus } from "node:os";
import { promisify } from "node:util";

export type Cores = {
  /** In words, for the page. */
  readonly description: string;
  /** Binds all threads of a process that is to be measured. */
  measured(pid: number): Promise<void>;
};

/** Binds this process, and with it everything that it starts, to the second core. */
export async function useCores(): Promise<Cores> {
  if (cpus().length < 2 || !(await bind("1", process.pid))) {
    return { description: "cores not bound", measured: async () => {} };
  }
  return {
    description: "what is measured alone on core 0, all else on core 1",
    async measured(pid) {
      if (!(await bind("0", pid))) throw new Error(`process ${pid} cannot be bound to core 0`);
    },
  };
}

async function bind(core: string, pid: number): Promise<boolean> {
  return promisify(execFile)("taskset", ["-a", "-cp", core, String(pid)]).then(
    () => true,
    () => false,
  );
}
