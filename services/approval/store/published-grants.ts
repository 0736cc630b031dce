/** Grants on the state topic: one that has ended is removed 15 minutes after its `expires_at`. */
import { endedEvent } from "../../../core/domain/grant.ts";
import { id } from "../../../core/domain/id.ts";
import { grantKey, grantToWire } from "../../../core/messages/state-record.ts";
import { endBehindTopic } from "./end-behind-topic.ts";
import { GRANT_COLUMNS, type GrantRow, grantFromRow } from "./grant-row.ts";
import { appendToOutbox, type EventSource } from "./outbox.ts";
import type { KeyVersion } from "../publish/ports.ts";
import { createStateRows, type Session } from "./state-rows.ts";

const BEHIND = { by: { kind: "service", name: "state-relay" }, reason: "database_behind_topic" } as const;

export function publishedGrants(events: EventSource) {
  const rows = createStateRows<GrantRow>({
    kind: "grant",
    table: "grants",
    columns: GRANT_COLUMNS,
    isOver: `state in ('consumed', 'expired', 'revoked') and expires_at < statement_timestamp() - interval '15 minutes'`,
    record(row) {
      const grant = grantFromRow(row);
      return { key: grantKey(grant.id), version: grant.version, wire: grantToWire(grant) };
    },
  });
  return {
    ...rows,
    /** Ends those of which the topic has a newer version (`version`) than the database, on record. Returns which these are. */
    async overtakeTopic(on: Session, behind: readonly KeyVersion[]): Promise<readonly string[]> {
      const given = behind.map(({ key, version }) => ({ id: id("grant", key.slice("grant/".length)), version }));
      return on.transaction("overtake grants", async (tx) => {
        const ended = await endBehindTopic(tx, given);
        const revoked = ended
          .filter(({ isRevoked }) => isRevoked)
          .map(({ grant, policyRevision }) => endedEvent("grant.revoked", grant, { ...BEHIND, policyRevision }));
        await appendToOutbox(tx, revoked, events);
        return ended.map(({ grant }) => grantKey(grant.id));
      });
    },
  };
}
