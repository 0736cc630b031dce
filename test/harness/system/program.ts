/** A program of a test system: one of platform/programs, with PATH in its environment and a wall clock of its own. */
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as supervised from "../../../platform/programs/program.ts";
import { keepFile } from "../kept-logs.ts";

const CLOCK = join(import.meta.dirname, "shifted-clock.ts");

export interface Program extends supervised.Program {
  /** Its wall clock is that many milliseconds ahead of the machine's from now on (5 ms later), also after a restart; below 0: behind. */
  shiftClock(ms: number): Promise<void>;
}

type ProgramOptions = supervised.ProgramOptions & {
  /** False: its clock is the machine's and `shiftClock` does nothing. For measuring: a clock of its own costs each reading. */
  readonly hasOwnClock?: boolean;
};

/** Does not start it. */
export function createProgram({ hasOwnClock = true, preload = [], env = {}, ...options }: ProgramOptions): Program {
  const clockPath = join(options.folder, `${options.name}.clock`);
  const program = supervised.createProgram({
    ...options,
    preload: hasOwnClock ? [CLOCK, ...preload] : preload,
    env: { PATH: process.env["PATH"], TEST_CLOCK_FILE: clockPath, ...env },
  });
  const logPath = join(options.folder, `${options.name}.log`);
  let isKept = false;
  return {
    ...program,
    start(after) {
      if (!isKept) keepFile(logPath, options.name);
      isKept = true;
      return program.start(after);
    },
    async shiftClock(ms) {
      // By renaming: it is read at any time, and never half.
      await writeFile(`${clockPath}.new`, String(ms));
      await rename(`${clockPath}.new`, clockPath);
    },
  };
}
