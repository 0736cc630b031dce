/**
 * Incidents on the state topic: removed 24 hours after they were closed. If the topic is ahead of the database (a restore, a failover with loss),
 * the database is believed: its incidents are published again with a version above the topic's, open ones as open. NB: an incident opens nothing
 * by itself, and only a person can say which of the two was wrong; the log names them.
 */
import { incidentKey, incidentToWire } from "../../../core/messages/incident-record.ts";
import { INCIDENT_COLUMNS, incidentFromRow, type IncidentRow } from "./incidents.ts";
import type { KeyVersion } from "../publish/ports.ts";
import { createStateRows, type Session } from "./state-rows.ts";

export function publishedIncidents() {
  const rows = createStateRows<IncidentRow>({
    kind: "incident",
    table: "incidents",
    columns: INCIDENT_COLUMNS,
    isOver: "state = 'closed' and closed_at < statement_timestamp() - interval '24 hours'",
    record(row) {
      const incident = incidentFromRow(row);
      return { key: incidentKey(incident.id), version: incident.version, wire: incidentToWire(incident) };
    },
  });
  return {
    ...rows,
    /** Raises those of which the topic has a newer version (`version`) than the database above it. Returns which these are. */
    async overtakeTopic(on: Session, behind: readonly KeyVersion[]): Promise<readonly string[]> {
      return on.transaction("overtake incidents", async (tx) => {
        const { rows: lifted } = await tx.query<{ key: string }>(
          `update incidents set version = seen.version + 1
             from unnest($1::uuid[], $2::int[]) as seen (id, version)
            where incidents.id = seen.id and incidents.version < seen.version and incidents.tombstoned_at is null
        returning 'incident/' || incidents.id as key`,
          [behind.map(({ key }) => key.slice("incident/".length)), behind.map(({ version }) => version)],
        );
        return lifted.map(({ key }) => key);
      });
    },
  };
}
