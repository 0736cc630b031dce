/** Stands in for the spool's files: crash points around the mark of what the stream acknowledged. */
import * as real from "../../../services/decision/decision-log/spool-files.ts";
import { reach } from "./reach.ts";

export * from "../../../services/decision/decision-log/spool-files.ts";

export function acknowledge(...args: Parameters<typeof real.acknowledge>): void {
  reach("shipped before mark");
  real.acknowledge(...args);
  reach("shipped after mark");
}
