/** What security was told, held against the record: the quarantine and the incidents. */
import { members } from "../../../sample/story/see.ts";
import { kindOf } from "../audit-record.ts";
import type { Ledger } from "./ledger.ts";

export function securityFaults(
  ledger: Ledger,
  events: readonly unknown[],
  counted: ReadonlyMap<string, number>,
): readonly string[] {
  const dataOf = (kind: string) =>
    events
      .filter((event) => kindOf(event) === kind)
      .map((event) =>
        members(members(event, "data")["data"], "quarantine_id", "topic", "partition", "offset", "outcome"),
      );
  const aside = dataOf("record.quarantined");
  const places = new Set(aside.map(({ topic, partition, offset }) => JSON.stringify([topic, partition, offset])));
  const takings = Map.groupBy(
    dataOf("record.replayed").filter(({ outcome }) => outcome === "taken"),
    ({ quarantine_id: id }) => String(id),
  );
  const opened = events.filter((event) => kindOf(event) === "incident.opened").length;
  const known = ledger.incidents.size;
  return [
    ...(aside.length === ledger.forged && places.size === ledger.forged
      ? []
      : [`${ledger.forged} records nobody can read, ${aside.length} told of as set aside, ${places.size} different`]),
    ...[...ledger.dismissed]
      .filter((id) => counted.get(`record.dismissed ${id}`) !== 1)
      .map((id) => `dismissed record ${id} is told of ${counted.get(`record.dismissed ${id}`) ?? 0} times`),
    ...[...ledger.replayed].filter((id) => !takings.has(id)).map((id) => `replayed record ${id} is not told of`),
    ...[...takings]
      .filter(([, all]) => all.length > 1)
      .map(([id, all]) => `record ${id} was taken ${all.length} times`),
    ...(opened >= known && opened <= known + ledger.incidentsUnknown
      ? []
      : [`${known} incidents were opened and ${ledger.incidentsUnknown} perhaps, ${opened} are on record`]),
  ];
}
