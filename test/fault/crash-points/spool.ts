/** Stands in for the decision log's spool: crash points before and after a decision is in it, which is before its answer. */
import * as real from "../../../services/decision/decision-log/spool.ts";
import type { Spool } from "../../../services/decision/decision-log/spool.ts";
import { reach } from "./reach.ts";

export * from "../../../services/decision/decision-log/spool.ts";

export function openSpool(...args: Parameters<typeof real.openSpool>): Spool {
  const spool = real.openSpool(...args);
  return {
    log: spool.log,
    boot: spool.boot,
    sync: spool.sync,
    released: spool.released,
    close: spool.close,
    get bytes() {
      return spool.bytes;
    },
    append(body) {
      if (body.kind === "decision") reach("spool before write");
      const outcome = spool.append(body);
      if (body.kind === "decision") reach("spool after write");
      return outcome;
    },
  };
}
