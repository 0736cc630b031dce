/** What the decision log is tested with: a stream that keeps what it acknowledged as a reader would see it, and decisions to record. */
import { generateKeyPairSync } from "node:crypto";
import { expect } from "@jest/globals";
import { deny } from "../../core/domain/decision.ts";
import { id } from "../../core/domain/id.ts";
import { instant } from "../../core/domain/time.ts";
import {
  batchFault,
  type DecisionLogRecord,
  decisionRecordHash,
  readDecisionBatch,
} from "../../core/messages/decision-record.ts";
import { openEnvelope } from "../../core/messages/envelope.ts";
import { createSigner, createVerifier } from "../../core/messages/signing.ts";
import { MAX_RECORD_BYTES } from "../../core/messages/topics.ts";
import { uuidv7 } from "../../platform/clock.ts";
import { createLog } from "../../platform/log/log.ts";
import { createMetrics } from "../../platform/metrics/metrics.ts";
import type { OutgoingRecord, PublishOutcome } from "../../platform/stream/port.ts";
import { startDecisionLog } from "../../services/decision/decision-log/decision-log.ts";
import type { LogEntry } from "../../services/decision/ports.ts";
import { evaluationOf } from "../samples/evaluation.ts";

export const NOW = instant(1_795_478_400_000);

/** Of one process, and the one that takes over from it. */
const pairs = new Map(["pdp-a", "pdp-b"].map((kid) => [kid, generateKeyPairSync("ed25519")] as const));
export const [signer, nextSigner] = signersOf();
const verifier = createVerifier(
  new Map([...pairs].map(([kid, one]) => [kid, one.publicKey.export({ type: "spki", format: "pem" }).toString()])),
);
const log = createLog({ name: "test", level: "silent" });

function signersOf() {
  const [a, b] = [...pairs].map(([kid, one]) =>
    createSigner(kid, one.privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
  );
  if (a === undefined || b === undefined) throw new Error("two keys");
  return [a, b] as const;
}

/** A stream that keeps what it acknowledged, as a reader would see it. */
export function memoryStream(answer: () => PublishOutcome = () => ({ kind: "acked" })) {
  const records: DecisionLogRecord[] = [];
  return {
    records,
    publish(outgoing: readonly OutgoingRecord[]): Promise<PublishOutcome> {
      const outcome = answer();
      if (outcome.kind === "acked") for (const record of outgoing) records.push(...read(record));
      return Promise.resolve(outcome);
    },
  };
}

function read({ topic, key, value, headers }: OutgoingRecord): readonly DecisionLogRecord[] {
  expect(value?.length).toBeLessThanOrEqual(MAX_RECORD_BYTES);
  const asRead = new Map([...(headers ?? [])].map(([name, text]) => [name, Buffer.from(text)]));
  const opened = openEnvelope(verifier, { deployment: "test", topic, key }, { value, headers: asRead });
  if (opened.kind !== "opened") throw new Error(`batch: ${opened.reason}`);
  const batch = readDecisionBatch(opened.payload);
  if (batch.kind !== "parsed") throw new Error(`batch: ${batch.detail}`);
  expect(batchFault(batch.value, opened.kid)).toBeUndefined();
  return batch.value.records;
}

export function entry(path = "/orders/42"): LogEntry {
  return {
    decision: deny("no_rule_matched"),
    subject: undefined,
    policyRevision: "r1",
    evaluation: evaluationOf({
      decisionId: id("decision", uuidv7()),
      http: { method: "GET", path, query: "?token=secret" },
      credentials: { authorization: ["Bearer secret"], principal: undefined },
    }),
    sourceAddress: undefined,
    mode: "enforce",
    time: NOW,
    durationUs: 12,
  };
}

export function started(
  folder: string,
  stream: ReturnType<typeof memoryStream>,
  options: {
    boot?: string;
    required?: boolean;
    maxSpoolBytes?: number;
    policyRevision?: () => string;
    /** Short where the stream takes nothing to the end, which is waited for in vain. */
    drainMs?: number;
  } = {},
) {
  return startDecisionLog(
    { stream, signer, log, metrics: createMetrics({ prefix: "t_" }), now: () => NOW },
    {
      folder,
      deployment: "test",
      boot: options.boot ?? uuidv7(),
      required: options.required ?? false,
      policyRevision: options.policyRevision ?? (() => "r1"),
      segmentBytes: 4_096,
      drainMs: options.drainMs ?? 20_000,
      ...(options.maxSpoolBytes === undefined ? {} : { maxSpoolBytes: options.maxSpoolBytes }),
    },
  );
}

export function expectWhole(records: readonly DecisionLogRecord[]) {
  records.forEach((record, at) => {
    const before = records[at - 1];
    expect(record.index).toBe(at);
    if (before !== undefined) expect(record.prev).toBe(decisionRecordHash(before));
  });
}
