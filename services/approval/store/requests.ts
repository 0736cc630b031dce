/**
 * Statements on `requests` and `reviews`. Two locks keep one open request per key and one end per request: an advisory lock on the key while a
 * request is made, and the row lock while one is changed. The unique index and the trigger behind them hold even for code that forgets.
 */
import { AppError } from "../../../core/domain/app-error.ts";
import type { AccessRequest, Review } from "../../../core/domain/access-request.ts";
import { type Digest, type Id, id } from "../../../core/domain/id.ts";
import { setKey } from "../../../core/domain/requirement.ts";
import { openSets } from "../../../core/domain/stages.ts";
import { rfc3339 } from "../../../core/domain/time.ts";
import { subjectToWire } from "../../../core/messages/denial-record.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { Listed, Page, RequestFilter } from "../rest/ports.ts";
import { pageOf } from "./page.ts";
import { REQUEST_COLUMNS, type RequestRow, requestFromRow, requestToValues } from "./request-row.ts";
import { narrowingToColumn } from "./terms-column.ts";

export async function lockRequestKey(db: Queryable, key: Digest): Promise<void> {
  await db.query("select pg_advisory_xact_lock(hashtextextended($1, 1))", [key]);
}

export async function insertRequest(db: Queryable, request: AccessRequest): Promise<void> {
  await db.query(
    `insert into requests (id, denial_id, key, issuer, subject, person_realm, person_id, requester, call, entitlement,
       offer, justification, requested, requirement, reviewer_sets, open_sets, limits, notify, escalate_at,
       escalate_notify, policy_revision, digest, created_at, expires_at, status, status_reason, decided_at, submitted_by,
       submitted_account, counted)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
       $24, $25, $26, $27, $28, $29, $30)`,
    requestToValues(request),
  );
}

export async function findRequest(db: Queryable, requestId: Id<"request">): Promise<AccessRequest | undefined> {
  return first(await db.query<RequestRow>(`select ${REQUEST_COLUMNS} from requests where id = $1`, [requestId]));
}

export async function findRequests(db: Queryable, ids: readonly Id<"request">[]): Promise<readonly AccessRequest[]> {
  if (ids.length === 0) return [];
  const { rows } = await db.query<RequestRow>(`select ${REQUEST_COLUMNS} from requests where id = any($1)`, [ids]);
  return rows.map(requestFromRow);
}

/**
 * False when there is none. NB: it is read after this, by another statement: a subselect of the locking one would see reviews as they were
 * before the wait for the lock, and a vote could be lost or counted twice.
 */
export async function lockRequest(db: Queryable, requestId: Id<"request">): Promise<boolean> {
  const { rowCount } = await db.query("select 1 from requests where id = $1 for update", [requestId]);
  return rowCount === 1;
}

export async function findOpenRequest(db: Queryable, key: Digest): Promise<AccessRequest | undefined> {
  return first(
    await db.query<RequestRow>(`select ${REQUEST_COLUMNS} from requests where key = $1 and status = 'pending'`, [key]),
  );
}

export async function findRequestOfDenial(db: Queryable, denialId: Id<"denial">): Promise<AccessRequest | undefined> {
  return first(
    await db.query<RequestRow>(
      `select ${REQUEST_COLUMNS} from requests where denial_id = $1 order by id desc limit 1`,
      [denialId],
    ),
  );
}

/** Which are over; to be read after this. Rows that another transaction holds are left for the next sweep. */
export async function lockExpiredRequests(db: Queryable, limit: number): Promise<readonly Id<"request">[]> {
  return lockDue(db, "expires_at", limit);
}

/** Requests whose next reviewers are to be notified. */
export async function lockEscalatingRequests(db: Queryable, limit: number): Promise<readonly Id<"request">[]> {
  return lockDue(db, "escalate_at", limit);
}

async function lockDue(
  db: Queryable,
  column: "expires_at" | "escalate_at",
  limit: number,
): Promise<readonly Id<"request">[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from requests where status = 'pending' and ${column} <= statement_timestamp()
      order by ${column} limit $1 for update skip locked`,
    [limit],
  );
  return rows.map((row) => id("request", row.id));
}

/** @throws AppError conflict when it is no longer pending. */
export async function saveRequest(db: Queryable, request: AccessRequest): Promise<void> {
  const { rowCount } = await db.query(
    `update requests set status = $2, status_reason = $3, decided_at = $4, open_sets = $5, escalate_at = $6, counted = $7
      where id = $1 and status = 'pending'`,
    [
      request.id,
      request.status,
      request.statusReason ?? null,
      request.decidedAt === undefined ? null : rfc3339(request.decidedAt),
      openSets(request).map(setKey),
      request.escalation === undefined ? null : rfc3339(request.escalation.at),
      request.counted ?? null,
    ],
  );
  if (rowCount !== 1) throw new AppError("conflict", "the request has ended meanwhile");
}

export async function insertReview(db: Queryable, requestId: Id<"request">, review: Review): Promise<void> {
  const { reviewer, account, narrowing } = review;
  await db.query(
    `insert into reviews (id, request_id, person_realm, person_id, groups, account, vote, narrowing, comment, reviewed_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      review.id,
      requestId,
      reviewer.person.realm,
      reviewer.person.id,
      reviewer.groups,
      JSON.stringify(subjectToWire(account)),
      review.vote,
      narrowing === undefined ? null : JSON.stringify(narrowingToColumn(narrowing)),
      review.comment ?? null,
      rfc3339(review.at),
    ],
  );
}

const NOBODY = { issuer: undefined, subject: undefined, person: undefined };

/** Newest first. `awaiting` leaves out what `hasAsked` (core/domain/access-request.ts) would refuse. */
export async function listRequests(
  db: Queryable,
  filter: RequestFilter,
  page: Page<"request">,
): Promise<Listed<AccessRequest>> {
  const { visibility } = filter;
  const own = visibility.kind === "requester" ? visibility : undefined;
  const reviewer = visibility.kind === "reviewer" ? visibility : undefined;
  const { issuer, subject, person } = own ?? reviewer ?? NOBODY;
  const { rows, more } = await pageOf<RequestRow>(db, {
    select: `select ${REQUEST_COLUMNS} from requests
      where case $1::text
              when 'everything' then true
              when 'reviewer' then reviewer_sets && $2::text[]
              else (issuer = $3 and subject = $4) or (person_realm = $5 and person_id = $6)
            end
        and (not $7 or (
              status = 'pending' and expires_at > statement_timestamp() and open_sets && $2::text[]
              and not exists (
                select 1 from (values (requester), (submitted_by)) as asking (one)
                 where (one ->> 'issuer' = $3 and one ->> 'subject' = $4)
                    or (one -> 'person' ->> 'realm' = $5 and one -> 'person' ->> 'id' = $6)
                    or exists (select 1 from json_array_elements(one -> 'actors') as actor
                                where actor ->> 'issuer' = $3 and actor ->> 'id' = $4)
                    or exists (select 1 from json_array_elements(one -> 'actor_persons') as actor
                                where actor ->> 'realm' = $5 and actor ->> 'id' = $6))
              and not exists (select 1 from reviews
                               where reviews.request_id = requests.id
                                 and reviews.person_realm = $5 and reviews.person_id = $6)))
        and ($8::text is null or status = $8) and ($9::text is null or entitlement = $9)
        and ($10::uuid is null or id < $10) and ($11::uuid is null or denial_id = $11)`,
    order: "id desc",
    values: [
      visibility.kind,
      reviewer?.sets ?? [],
      issuer ?? null,
      subject ?? null,
      person?.realm ?? null,
      person?.id ?? null,
      filter.awaiting,
      filter.status ?? null,
      filter.entitlement ?? null,
      page.before ?? null,
      filter.denialId ?? null,
    ],
    limit: page.limit,
  });
  return { rows: rows.map(requestFromRow), more };
}

function first({ rows }: { readonly rows: readonly RequestRow[] }): AccessRequest | undefined {
  return rows.map(requestFromRow)[0];
}
