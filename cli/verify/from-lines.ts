/** Audit events as NDJSON: one event per line, empty lines allowed. */
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { readAuditEvent } from "./audit-record.ts";
import type { ChainCheck } from "./chain.ts";

/** Reads to the end. Rejects when the input cannot be read. */
export async function checkLines(input: Readable, check: ChainCheck): Promise<void> {
  let line = 0;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1;
    if (text.trim() !== "") check.add(readAuditEvent(Buffer.from(text, "utf8")), `line ${line}`);
  }
}
