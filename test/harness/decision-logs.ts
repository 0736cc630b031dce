/** The decision logs on a stream in PostgreSQL, as a consumer reads them that verifies signatures and holds each log against its chain. */
import { readFile } from "node:fs/promises";
import { expect } from "@jest/globals";
import { type LogEnd, endAfter, standing } from "../../core/domain/log-chain.ts";
import { type DecisionLogRecord, logEntryOf, readDecisionBatch } from "../../core/messages/decision-record.ts";
import { openEnvelope } from "../../core/messages/envelope.ts";
import { createVerifier } from "../../core/messages/signing.ts";
import { TOPICS } from "../../core/messages/topics.ts";
import { createLog } from "../../platform/log/log.ts";
import { createPostgresStream } from "../../platform/stream/postgres.ts";
import type { KeyPairFiles } from "./system/key-pair.ts";
import { recordsIn } from "./system/topics.ts";

const topic = TOPICS.decisions.name;
const log = createLog({ name: "harness", level: "silent" });

/** All records that stand there now, also those that were delivered twice. */
export async function decisionsOn(
  streamUrl: string,
  { deployment, signing }: { readonly deployment: string; readonly signing: KeyPairFiles },
): Promise<readonly DecisionLogRecord[]> {
  const from = { connection: streamUrl, applicationName: "test" };
  await using stream = createPostgresStream({ log, onFatal: () => {} }, from);
  const verifier = createVerifier(new Map([[signing.kid, await readFile(signing.publicPath, "utf8")]]));
  const found: DecisionLogRecord[] = [];
  for (const record of await recordsIn(stream, topic)) {
    const opened = openEnvelope(verifier, { deployment, topic, key: record.key ?? "" }, record);
    const batch = opened.kind === "opened" ? readDecisionBatch(opened.payload) : opened;
    if (batch.kind !== "parsed") throw new Error(JSON.stringify(batch));
    found.push(...batch.value.records);
  }
  return found;
}

/** The logs by name, each record once (delivery is at least once), in order, and held against the chain. */
export function wholeLogs(records: readonly DecisionLogRecord[]): ReadonlyMap<string, readonly DecisionLogRecord[]> {
  const logs = new Map<string, DecisionLogRecord[]>();
  for (const record of records) {
    const own = logs.get(record.log) ?? [];
    logs.set(record.log, own);
    own[record.index] ??= record;
    expect(record).toEqual(own[record.index]);
  }
  for (const own of logs.values()) {
    let end: LogEnd | undefined;
    for (const record of own) {
      const entry = logEntryOf(record);
      if (end !== undefined) expect(standing(entry, end)).toBe("next");
      end = endAfter(entry);
    }
  }
  return logs;
}
