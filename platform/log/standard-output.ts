/**
 * Standard output for the log: lines of one turn of the event loop are one write, since each write wakes up whoever reads it. What is
 * written last is written when the process ends, however it ends by itself.
 * NB: a process that is killed from outside loses the lines of that turn; whoever must not lose a line calls `flush`.
 */
import { type DestinationStream, pino } from "pino";

type StandardOutput = DestinationStream & {
  /** Writes what waits, before it returns. */
  flush(): void;
};

/** In UTF-16 units. More than this is written at once, in whatever turn. */
const MOST_WAITING = 16 * 1024;

export function standardOutput(): StandardOutput {
  const output = pino.destination({ dest: 1, sync: true });
  let lines = "";
  let waiting: NodeJS.Immediate | undefined;

  function flush(): void {
    clearImmediate(waiting);
    waiting = undefined;
    const written = lines;
    lines = "";
    if (written !== "") output.write(written);
  }

  process.once("exit", flush);
  return {
    write(line) {
      lines += line;
      if (lines.length > MOST_WAITING) flush();
      else waiting ??= setImmediate(flush);
    },
    flush,
  };
}
