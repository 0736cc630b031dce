/** Stands in for the decision log's spool: crash points before and after a decision is in it, which is before its answer. */
import * as real from "../../../services/decision/decision-log/spool.ts";
import type { Spool } from "../../../services/decision/decision-log/spool.ts";
import { reach } from "./reach.ts";

export * from "../../../services/decision/decision-log/spool.ts";

export function openSpool(...args: Parameters<typeof real.openSpool>): Spool {
  const spool = real.openSpool(...args);
  let hasDecision = false;
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
      if (body.kind === "decision") hasDecision = true;
      return spool.append(body);
    },
    write() {
      if (hasDecision) reach("spool before write");
      const outcome = spool.write();
      if (hasDecision) reach("spool after write");
      hasDecision = false;
      return outcome;
    },
  };
}
