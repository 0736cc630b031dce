/**
 * The decision logs that came in: how far each was read, what is missing, and the entries themselves. Every entry is queued for republication
 * under its own log, index and hash; those that touch a denial, request or grant are kept.
 */
import { Type } from "typebox";
import type { AccessRequest } from "../../../core/domain/access-request.ts";
import { approvedBy } from "../../../core/domain/approved-by.ts";
import type { Json, Person } from "../../../core/domain/subject.ts";
import { type Digest, digest, id } from "../../../core/domain/id.ts";
import { type DecisionApproval, republishedDecision } from "../../../core/messages/audit-event.ts";
import { DecisionLogRecordSchema } from "../../../core/messages/decision-record.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { DecisionEntry, DecisionLogState } from "../intake/ports.ts";
import { createColumnReader } from "./json-column.ts";
import { requirementFromColumn } from "./requirement-column.ts";

export async function lockDecisionLog(db: Queryable, logId: string): Promise<DecisionLogState | undefined> {
  const { rows } = await db.query<{ next_index: string; last_hash: string; closed: DecisionLogState["closed"] }>(
    "select next_index, last_hash, closed from decision_logs where log_id = $1 for update",
    [logId],
  );
  return rows.map((row) => ({
    logId,
    nextIndex: BigInt(row.next_index),
    lastHash: digest(row.last_hash),
    closed: row.closed,
  }))[0];
}

/**
 * Keeps others of whom `lockDecisionLog` found nothing either waiting until this transaction ends. NB: there is no row yet that could be locked, and
 * of two who took it for the beginning of the log the one that ends last would set it back.
 */
export async function lockNewDecisionLog(db: Queryable, logId: string): Promise<void> {
  await db.query("select pg_advisory_xact_lock(hashtextextended($1, 2))", [logId]);
}

export async function saveDecisionLog(db: Queryable, state: DecisionLogState): Promise<void> {
  await db.query(
    `insert into decision_logs (log_id, next_index, last_hash, closed) values ($1, $2, $3, $4)
     on conflict (log_id) do update
       set next_index = excluded.next_index, last_hash = excluded.last_hash, closed = excluded.closed,
           updated_at = clock_timestamp()`,
    [state.logId, state.nextIndex.toString(), state.lastHash, state.closed],
  );
}

/** An entry with the event that tells of it, as JSON text. */
type ToldDecision = { readonly entry: DecisionEntry; readonly event: string };

/** `approvals`: what `approvalsOf` knows of the entries. */
export function tellDecisions(
  entries: readonly DecisionEntry[],
  approvals: ReadonlyMap<string, DecisionApproval>,
  deployment: string,
): readonly ToldDecision[] {
  return entries.map((entry) => {
    const approval = approvals.get(entry.grantId ?? "") ?? approvals.get(entry.requestId ?? "");
    return { entry, event: JSON.stringify(republishedDecision(readRecord(entry.record), approval, deployment)) };
  });
}

/** Queues all for republication under their own log, index and hash. */
export async function queueRepublication(db: Queryable, told: readonly ToldDecision[]): Promise<void> {
  await db.query(
    `insert into republish (log_id, leaf_index, event)
     select log_id, leaf_index, event
       from unnest($1::text[], $2::bigint[], $3::text[]::json[]) with ordinality as given (log_id, leaf_index, event, position)
      order by position
     on conflict (log_id, leaf_index) do nothing`,
    [
      told.map(({ entry }) => entry.logId),
      told.map(({ entry }) => entry.index.toString()),
      told.map(({ event }) => event),
    ],
  );
}

/** Keeps those that touch a denial, request or grant. NB: where there are none the table is left alone, since an insert holds the lock of arrivals. */
export async function keepDecisions(db: Queryable, told: readonly ToldDecision[]): Promise<void> {
  const kept = told.filter(({ entry }) => touches(entry));
  if (kept.length === 0) return;
  await db.query(
    `insert into decisions (log_id, leaf_index, decision_id, denial_id, request_id, grant_id, leaf_hash, event)
     select log_id, leaf_index, decision_id, denial_id, request_id, grant_id, leaf_hash, event
       from unnest($1::text[], $2::bigint[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[]::json[])
            with ordinality
         as given (log_id, leaf_index, decision_id, denial_id, request_id, grant_id, leaf_hash, event, position)
      order by position
     on conflict (log_id, leaf_index) do nothing`,
    [
      kept.map(({ entry }) => entry.logId),
      kept.map(({ entry }) => entry.index.toString()),
      kept.map(({ entry }) => entry.decisionId),
      kept.map(({ entry }) => entry.denialId ?? null),
      kept.map(({ entry }) => entry.requestId ?? null),
      kept.map(({ entry }) => entry.grantId ?? null),
      kept.map(({ entry }) => entry.hash),
      kept.map(({ event }) => event),
    ],
  );
}

/** Of the entries `from` to `before` (exclusive) that are kept, by index. */
export async function keptHashes(
  db: Queryable,
  logId: string,
  from: bigint,
  before: bigint,
): Promise<ReadonlyMap<bigint, Digest>> {
  const { rows } = await db.query<{ leaf_index: string; leaf_hash: string }>(
    "select leaf_index, leaf_hash from decisions where log_id = $1 and leaf_index >= $2 and leaf_index < $3",
    [logId, from.toString(), before.toString()],
  );
  return new Map(rows.map((row) => [BigInt(row.leaf_index), digest(row.leaf_hash)]));
}

function touches(entry: DecisionEntry): boolean {
  const touched = entry.denialId ?? entry.requestId ?? entry.grantId;
  return entry.decisionId !== undefined && touched !== undefined;
}

const readRecord = createColumnReader("record", DecisionLogRecordSchema);

type ApprovalRow = {
  readonly request_id: string;
  readonly grant_id: string | null;
  readonly justification: string;
  readonly person_realm: string | null;
  readonly person_id: string | null;
  readonly issuer: string;
  readonly subject: string;
  readonly status: AccessRequest["status"];
  readonly requirement: unknown;
  readonly counted: readonly string[] | null;
  readonly approvals: unknown;
};

const readApprovals = createColumnReader(
  "approvals",
  Type.Array(
    Type.Object({ id: Type.String(), realm: Type.String(), person: Type.String(), groups: Type.Array(Type.String()) }),
  ),
);

/** What is known of the grants and requests that these entries name, by grant id and by request id. */
export async function approvalsOf(
  db: Queryable,
  entries: readonly DecisionEntry[],
): Promise<ReadonlyMap<string, DecisionApproval>> {
  const grantIds = entries.flatMap((entry) => entry.grantId ?? []);
  const requestIds = entries.flatMap((entry) => entry.requestId ?? []);
  const found = new Map<string, DecisionApproval>();
  if (grantIds.length + requestIds.length === 0) return found;
  const { rows } = await db.query<ApprovalRow>(
    `select requests.id as request_id, grants.id as grant_id, justification, requests.person_realm,
            requests.person_id, requests.issuer, requests.subject, status, requirement, counted,
            (select coalesce(json_agg(json_build_object('id', reviews.id, 'realm', reviews.person_realm,
                                                        'person', reviews.person_id, 'groups', groups)
                                      order by reviewed_at, reviews.id), '[]')
               from reviews where reviews.request_id = requests.id and vote = 'approve') as approvals
       from (select request_id as id from grants where id = any($1::uuid[]) union select unnest($2::uuid[])) as asked
            join requests using (id)
            left join grants on grants.request_id = requests.id`,
    [grantIds, requestIds],
  );
  for (const row of rows) {
    const approval = approvalFromRow(row);
    found.set(row.request_id, approval);
    if (row.grant_id !== null) found.set(row.grant_id, approval);
  }
  return found;
}

function approvalFromRow(row: ApprovalRow): DecisionApproval {
  const person: Json =
    row.person_realm === null || row.person_id === null ? null : { realm: row.person_realm, id: row.person_id };
  return {
    request_id: row.request_id,
    justification: row.justification,
    requester: { person, issuer: row.issuer, subject: row.subject },
    approved_by: approversFromRow(row).map((one) => ({ ...one })),
    grant_id: row.grant_id,
  };
}

function approversFromRow({ status, requirement, counted, approvals }: ApprovalRow): readonly Person[] {
  return approvedBy({
    status,
    requirement: requirement === null ? undefined : requirementFromColumn(requirement),
    ...(counted === null ? {} : { counted: counted.map((one) => id("review", one)) }),
    reviews: readApprovals(approvals).map((one) => ({
      id: id("review", one.id),
      vote: "approve",
      reviewer: { person: { realm: one.realm, id: one.person }, groups: one.groups },
    })),
  });
}
