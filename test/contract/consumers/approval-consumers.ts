/** The two consumers of the approval service on a real database, as main.ts puts them together. */
import { randomUUID } from "node:crypto";
import { id } from "../../../core/domain/id.ts";
import { decisionLogId, type DecisionLogRecord, decisionRecordHash } from "../../../core/messages/decision-record.ts";
import { denialToWire } from "../../../core/messages/denial-record.ts";
import { NO_PREVIOUS } from "../../../core/domain/log-chain.ts";
import type { Verifier } from "../../../core/messages/signing.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createConsumer } from "../../../services/approval/intake/consumer.ts";
import { createDecisionReader } from "../../../services/approval/intake/decisions.ts";
import { createDenialReader } from "../../../services/approval/intake/denials.ts";
import { createIntakeEvents } from "../../../services/approval/intake/events.ts";
import { type ReadRecord, withQuarantine } from "../../../services/approval/intake/quarantine.ts";
import { advanceOffset, storedOffset } from "../../../services/approval/store/offsets.ts";
import { account, createApproval, denialFor } from "../../integration/approval/approval-fixture.ts";
import { type Consumer, DEPLOYMENT, type Good } from "./consumer.ts";

const log = createLog({ name: "test", level: "silent" });
type Approval = Awaited<ReturnType<typeof createApproval>>;

function running(
  approval: Approval,
  topic: string,
  read: ReadRecord,
): Pick<Consumer, "start" | "refused" | typeof Symbol.asyncDispose> {
  const { database, commands } = approval;
  const events = createIntakeEvents({ metrics: createMetrics({ prefix: "t_" }), log });
  const consumer = createConsumer(
    {
      ...{ database, events },
      take: withQuarantine(read, { quarantine: commands.quarantine, events }),
      offsets: {
        stored: (of, partition, initial) => storedOffset(database, of, partition, initial),
        advance: (position) => advanceOffset(database, position),
      },
    },
    topic,
  );
  return {
    start: (stream) => stream.subscribe(consumer.subscription),
    async refused(reason) {
      const sql =
        "select count(*)::int as count from quarantine where topic = $1 and ($2::text is null or reason = $2)";
      const { rows } = await database.query<{ count: number }>(sql, [topic, reason ?? null]);
      return rows[0]?.count ?? 0;
    },
    async [Symbol.asyncDispose]() {
      await consumer.close();
      await approval.close();
    },
  };
}

async function count(approval: Approval, rowsOf: string, values: readonly unknown[] = []): Promise<number> {
  const sql = `select count(*)::int as count from ${rowsOf}`;
  const { rows } = await approval.database.query<{ count: number }>(sql, values);
  return rows[0]?.count ?? 0;
}

/** Effect: a row of `denials`. Two denials of one account are two records under one key. */
export async function denialsConsumer(verifier: Verifier): Promise<Consumer> {
  const approval = await createApproval();
  const { store, commands } = approval;
  const topic = TOPICS.denials.name;
  const read = createDenialReader({ verifier, accept: commands.acceptDenial }, { deployment: DEPLOYMENT });
  const now = await store.reads.now();
  return {
    ...running(approval, topic, read),
    ...{ name: "denials", topics: [{ topic, partitions: 3 }] },
    next(key): Good {
      const denial = denialFor(account(`asker-${key}`), now);
      return {
        ...{ topic, key: denial.key, version: 0, payload: denialToWire(denial) },
        effects: () => count(approval, "denials where id = $1", [denial.id]),
      };
    },
    effects: () => count(approval, "denials"),
  };
}

/** Effect: a row of `republish` for each entry. Each key is a log that goes on. */
export async function decisionsConsumer(verifier: Verifier): Promise<Consumer> {
  const approval = await createApproval();
  const { commands } = approval;
  const topic = TOPICS.decisions.name;
  const read = createDecisionReader({ verifier, record: commands.recordDecisions }, { deployment: DEPLOYMENT });
  const logs = new Map<number, DecisionLogRecord[]>();
  const time = "2026-11-24T00:00:00.000Z";
  return {
    ...running(approval, topic, read),
    ...{ name: "decisions", topics: [{ topic, partitions: 3 }] },
    next(key): Good {
      const records = logs.get(key) ?? [];
      logs.set(key, records);
      const last = records.at(-1);
      const own = last?.log ?? decisionLogId("right", randomUUID());
      const prev = last === undefined ? NO_PREVIOUS : decisionRecordHash(last);
      const link = { v: 1 as const, log: own, index: records.length, prev, time };
      const entry: DecisionLogRecord =
        last === undefined
          ? { ...link, kind: "log_opened", policy_revision: null }
          : {
              ...{ ...link, kind: "decision", decision_id: id("decision", randomUUID()), outcome: "allow" },
              ...{ reason: null, reasons: [], subject: null, method: "GET", authority: "a", path: "/" },
              ...{ masked_query: "", source_address: null, policy_revision: null, entitlements: [], denial_id: null },
              ...{ grant_id: null, request_id: null, grant_reason: null, redeemed: false, mode: "enforce" },
              ...{ duration_us: 1, traceparent: null },
            };
      records.push(entry);
      return {
        ...{ topic, key: own, version: 0, payload: { v: 1, log: own, records: [entry] } },
        effects: () => count(approval, "republish where log_id = $1 and leaf_index = $2", [own, entry.index]),
      };
    },
    effects: () => count(approval, "republish"),
  };
}
