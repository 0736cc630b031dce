/**
 * Closes what an earlier boot left: a half-written last line is cut off, `log_closed` with tail `recovered` is appended under the old log's own
 * id, and the rest is left for shipping. What the disk lost stays lost; `recovered` tells consumers that the log ends with what the spool still
 * held.
 */
import { readFileSync, truncateSync } from "node:fs";
import { endAfter } from "../../../core/domain/log-chain.ts";
import { type Instant, rfc3339 } from "../../../core/domain/time.ts";
import { type DecisionLogRecord, DecisionLogRecordSchema, logEntryOf } from "../../../core/messages/decision-record.ts";
import { createParser } from "../../../core/messages/parse.ts";
import { openSpool } from "./spool.ts";
import { segmentsOf } from "./spool-files.ts";

const parse = createParser(DecisionLogRecordSchema);

type Recovered =
  /** The spool has everything up to and including its `log_closed`. */
  | { readonly kind: "closed"; readonly log: string }
  /** It has no record after which it could be closed. */
  | { readonly kind: "empty" }
  /** Left unchanged for a person to inspect. */
  | { readonly kind: "unreadable" };

export function recoverBoot(folder: string, boot: string, now: Instant): Recovered {
  const last = lastRecord(folder, boot);
  if (last === "unreadable") return { kind: "unreadable" };
  if (last === undefined) return { kind: "empty" };
  if (last.kind === "log_closed") return { kind: "closed", log: last.log };
  const spool = openSpool({
    folder,
    log: last.log,
    boot,
    segmentBytes: Number.MAX_SAFE_INTEGER,
    maxBytes: Number.MAX_SAFE_INTEGER,
    after: endAfter(logEntryOf(last)),
  });
  try {
    spool.append({ kind: "log_closed", time: rfc3339(now), tail: "recovered" });
    return spool.write() === "written" ? { kind: "closed", log: last.log } : { kind: "unreadable" };
  } finally {
    spool.close();
  }
}

/** Cuts off half a line at the very end, and only there. */
function lastRecord(folder: string, boot: string): DecisionLogRecord | "unreadable" | undefined {
  for (const { path } of segmentsOf(folder, boot).toReversed()) {
    const bytes = readFileSync(path);
    const end = bytes.lastIndexOf(0x0a) + 1;
    if (end < bytes.length) truncateSync(path, end);
    if (end === 0) continue;
    const start = bytes.lastIndexOf(0x0a, end - 2) + 1;
    const record = parse(bytes.subarray(start, end - 1));
    return record.kind === "parsed" ? record.value : "unreadable";
  }
  return undefined;
}
