/**
 * Logs that a part of the stream lost its server, and that it has it again: one line each, however often it tries in between. No stack: a server
 * that is down is not a fault of this program, and its stacks would bury real ones. Failed attempts are logged at level debug.
 */
import type { Log } from "../log/log.ts";
import { errorLine } from "../log/shown-error.ts";

interface StateLog {
  failed(error: unknown): void;
  worked(): void;
}

/** `part` says what is interrupted, such as "reading". Fields of the records: `event`, `part` and `reason`. */
export function createStateLog(log: Log, part: string): StateLog {
  let isAway = false;
  return {
    failed(error) {
      if (isAway) log.debug({ event: "stream_still_away", part, err: error }, `${part}: tried in vain`);
      else
        log.warn(
          { event: "stream_away", part, reason: errorLine(error) },
          `${part} is interrupted; trying again until it works`,
        );
      isAway = true;
    },
    worked() {
      if (isAway) log.info({ event: "stream_back", part }, `${part} works again`);
      isAway = false;
    },
  };
}
