/**
 * Statements on `denials`. A row holds the denial in wire form; reading it recomputes its digests, so a row that was tampered with is a fault and
 * not somebody else's approval.
 */
import { AppError } from "../../../core/domain/app-error.ts";
import type { Denial } from "../../../core/domain/denial.ts";
import type { Id } from "../../../core/domain/id.ts";
import type { Person } from "../../../core/domain/subject.ts";
import { type Instant, rfc3339 } from "../../../core/domain/time.ts";
import { denialToWire, readDenial } from "../../../core/messages/denial-record.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { firstTraceparent } from "../../../platform/traces/traceparent.ts";
import type { DenialOwner, Listed, Page } from "../rest/ports.ts";
import { pageOf } from "./page.ts";

type DenialRow = { readonly record: string };

export async function insertDenial(db: Queryable, denial: Denial, person: Person | undefined): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into denials (id, decision_id, issuer, subject, policy_revision, minted_at, expires_at, record,
                          person_realm, person_id, traceparent)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     on conflict (id) do nothing`,
    [
      denial.id,
      denial.decisionId,
      denial.subject.issuer,
      denial.subject.id,
      denial.policyRevision,
      rfc3339(denial.mintedAt),
      rfc3339(denial.expiresAt),
      JSON.stringify(denialToWire(denial)),
      person?.realm ?? null,
      person?.id ?? null,
      firstTraceparent([denial.traceparent]) ?? null,
    ],
  );
  return rowCount === 1;
}

export async function findDenial(db: Queryable, denialId: Id<"denial">): Promise<Denial | undefined> {
  const { rows } = await db.query<DenialRow>("select record::text as record from denials where id = $1", [denialId]);
  return rows.map(denialFromRow)[0];
}

export async function isActedOn(db: Queryable, denialId: Id<"denial">): Promise<boolean> {
  const { rowCount } = await db.query("select from denials where id = $1 and acted_on", [denialId]);
  return rowCount === 1;
}

/** False if somebody was faster. */
export async function actOn(db: Queryable, denialId: Id<"denial">): Promise<boolean> {
  const { rowCount } = await db.query("update denials set acted_on = true where id = $1 and not acted_on", [denialId]);
  return rowCount === 1;
}

/** Newest first; only those that can still be submitted: of the account, and of every account of the same person. */
export async function listDenials(
  db: Queryable,
  { issuer, subject, person }: DenialOwner,
  page: Page<"denial">,
): Promise<Listed<Denial>> {
  const { rows, more } = await pageOf<DenialRow>(db, {
    select: `select id, record from denials
      where ((issuer = $1 and subject = $2) or (person_realm = $4 and person_id = $5))
        and not stays and expires_at > statement_timestamp() and ($3::uuid is null or id < $3)`,
    order: "id desc",
    columns: "record::text as record",
    values: [issuer, subject, page.before ?? null, person?.realm ?? null, person?.id ?? null],
    limit: page.limit,
  });
  return { rows: rows.map(denialFromRow), more };
}

/** A submitted denial stays, as the beginning of its request's record, and is marked so. Returns how many were checked. */
export async function deleteLapsedDenials(db: Queryable, before: Instant, limit: number): Promise<number> {
  const { rows } = await db.query<{ seen: number }>(
    `with due as (
       select id, exists (select from requests where requests.denial_id = denials.id) as is_submitted
         from denials
        where not stays and expires_at <= $1
        order by expires_at limit $2 for update skip locked
     ), marked as (
       update denials set stays = true from due where denials.id = due.id and is_submitted
     ), deleted as (
       delete from denials using due where denials.id = due.id and not is_submitted
     )
     select count(*)::int as seen from due`,
    [rfc3339(before), limit],
  );
  return rows[0]?.seen ?? 0;
}

function denialFromRow(row: DenialRow): Denial {
  const parsed = readDenial(Buffer.from(row.record, "utf8"));
  if (parsed.kind === "malformed") throw new AppError("invalid_record", "a stored denial is malformed");
  return parsed.value;
}
