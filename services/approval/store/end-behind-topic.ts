/**
 * Ends grants of which the state topic holds a newer version than the database: the database was set back, by a restore or a failover that
 * lost commits, and with it what was used and revoked meanwhile. NB: what such a row says must never be honoured again, or a grant that was
 * used up could be used once more. So it gets a version above the topic's and is revoked, on record; readers become fresh with it.
 */
import type { DomainEvent } from "../../../core/domain/events.ts";
import { type Grant, isFinal } from "../../../core/domain/grant.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { GRANT_COLUMNS, type GrantRow, grantFromRow } from "./grant-row.ts";
import { appendToOutbox, type EventSource } from "./outbox.ts";

/** `version` is what the topic holds. */
type Behind = { readonly id: Grant["id"]; readonly version: number };

/** Which of them were behind. A grant that had ended anyway keeps its end. */
export async function endBehindTopic(
  on: { transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> },
  behind: readonly Behind[],
  events: EventSource,
): Promise<readonly Grant["id"][]> {
  const onTopic = new Map(behind.map(({ id, version }) => [id, version]));
  return on.transaction(async (tx) => {
    const { rows } = await tx.query<GrantRow & { readonly policy_revision: string }>(
      `select ${GRANT_COLUMNS}, (select policy_revision from requests where requests.id = request_id) as policy_revision
         from grants where id = any ($1::uuid[]) and tombstoned_at is null order by id for update`,
      [[...onTopic.keys()]],
    );
    const ended: Grant["id"][] = [];
    for (const row of rows) {
      const grant = grantFromRow(row);
      const version = onTopic.get(grant.id) ?? 0;
      if (grant.version >= version) continue;
      const state = isFinal(grant.state) ? grant.state : "revoked";
      await tx.query("update grants set state = $2, version = $3 where id = $1", [grant.id, state, version + 1]);
      if (state !== grant.state) await appendToOutbox(tx, [revoked(grant, row.policy_revision)], events);
      ended.push(grant.id);
    }
    return ended;
  });
}

function revoked({ id, requestId, denialId }: Grant, policyRevision: string): DomainEvent {
  return {
    type: "grant.revoked",
    by: { kind: "service", name: "state-relay" },
    ...{ denialId, requestId, grantId: id, policyRevision },
    data: { reason: "database_behind_topic" },
  };
}
