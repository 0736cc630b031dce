/** Grants on the state topic: gone 15 minutes after the time of one that ended. */
import { id } from "../../../core/domain/id.ts";
import { grantKey, grantToWire } from "../../../core/messages/state-record.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { endBehindTopic } from "./end-behind-topic.ts";
import { GRANT_COLUMNS, type GrantRow, grantFromRow } from "./grant-row.ts";
import type { EventSource } from "./outbox.ts";
import { createStateRows } from "./state-rows.ts";

type Session = { transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> };
type KeyVersion = { readonly key: string; readonly version: number };

export function publishedGrants(events: EventSource) {
  const rows = createStateRows<GrantRow>({
    kind: "grant",
    table: "grants",
    columns: GRANT_COLUMNS,
    isOver: `state in ('consumed', 'expired', 'revoked') and expires_at < clock_timestamp() - interval '15 minutes'`,
    record(row) {
      const grant = grantFromRow(row);
      return { key: grantKey(grant.id), version: grant.version, wire: grantToWire(grant) };
    },
  });
  return {
    ...rows,
    /** Ends those of which the topic holds a newer version (`version`) than the database; which these are. */
    async overtakeTopic(on: Session, behind: readonly KeyVersion[]): Promise<readonly string[]> {
      const ended = await endBehindTopic(
        on,
        behind.map(({ key, version }) => ({ id: id("grant", key.slice("grant/".length)), version })),
        events,
      );
      return ended.map(grantKey);
    },
  };
}
