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
  /** What is started within may run on the first two cores. */
  onBoth<T>(start: () => Promise<T>): Promise<T>;
};

const OTHERS = "1";
const MEASURED = "0";
const BOTH = "0,1";

export const NOT_BOUND: Cores = {
  description: "cores not bound",
  measured: async () => {},
  onBoth: (start) => start(),
};

/** Binds this process, and with it everything that it starts, to the second core. */
export async function useCores(): Promise<Cores> {
  if (cpus().length < 2 || !(await bind(OTHERS, process.pid))) return NOT_BOUND;
  return {
    description: "what is measured alone on core 0, all else on core 1, unless the text says otherwise",
    async measured(pid) {
      if (!(await bind(MEASURED, pid))) throw new Error(`process ${pid} cannot be bound to core ${MEASURED}`);
    },
    async onBoth(start) {
      await bind(BOTH, process.pid);
      try {
        return await start();
      } finally {
        await bind(OTHERS, process.pid);
      }
    },
  };
}

async function bind(cores: string, pid: number): Promise<boolean> {
  return promisify(execFile)("taskset", ["-a", "-cp", cores, String(pid)]).then(
    () => true,
    () => false,
  );
}
