/** A fresh database with the approval service's tables, and rows in it that the relays read. */
import { randomUUID } from "node:crypto";
import type { DomainEvent } from "../../../core/domain/events.ts";
import { type Id, id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { unsealedEvent } from "../../../core/messages/audit-event.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createDatabase, type Database, type Queryable } from "../../../platform/postgres/pool.ts";
import { migrate } from "../../../services/approval/store/migrate.ts";
import { createTestDatabase } from "../../harness/postgres.ts";

export const DEPLOYMENT = "test";

/** Dispose of it in `afterAll`. */
export async function migratedDatabase(): Promise<Database> {
  const scratch = await createTestDatabase({
    name: "approval_relays",
    async prepare(connection) {
      await migrate(connection);
    },
  });
  return createDatabase({ log: silent }, { connection: scratch.connectionString, applicationName: "test" });
}

export const silent = createLog({ name: "test", level: "silent" });

/** An event as a command would leave it in the outbox. */
export async function insertEvent(on: Queryable, reason: string): Promise<void> {
  const event: DomainEvent = {
    type: "grant.revoked",
    by: { kind: "service", name: "test" },
    denialId: undefined,
    requestId: undefined,
    grantId: id("grant", randomUUID()),
    policyRevision: undefined,
    data: { reason },
  };
  const eventId = id("event", randomUUID());
  await on.query("insert into outbox (event_id, event) values ($1, $2)", [
    eventId,
    JSON.stringify(unsealedEvent(event, eventId, instant(1_795_478_400_000), { deployment: DEPLOYMENT })),
  ]);
}

/** A live grant of one hour at version 1, with the denial and request that it hangs on. */
export async function insertGrant(on: Queryable, options: { readonly issuer?: string } = {}): Promise<Id<"grant">> {
  const [denialId, requestId, grantId] = [randomUUID(), randomUUID(), id("grant", randomUUID())];
  const issuer = options.issuer ?? "https://issuer.example";
  await on.query(
    `insert into denials (id, decision_id, issuer, subject, policy_revision, minted_at, expires_at, record)
     values ($1, $2, 'i', 's', 'r', now(), now(), '{}')`,
    [denialId, randomUUID()],
  );
  await on.query(
    `insert into requests (id, denial_id, key, issuer, subject, requester, call, entitlement, offer, justification,
                           requested, reviewer_sets, policy_revision, digest, created_at, expires_at, status, decided_at)
     values ($1::uuid, $2, $1::uuid::text, 'i', 's', '{}', '{}', 'e', '{}', '', '{}', '{}', 'r', '', now(), now(), 'approved', now())`,
    [requestId, denialId],
  );
  await on.query(
    `insert into grants (id, version, request_id, denial_id, issuer, subject, entitlement, scope, bind_headers, state,
                         uses, max_uses, not_before, expires_at)
     values ($1, 1, $2, $3, $4, 'dana', 'e', 's', '{}', 'active', 0, 1, now(), now() + interval '1 hour')`,
    [grantId, requestId, denialId, issuer],
  );
  return grantId;
}
