/**
 * The open incidents as policies see them: id, severity, scope and since when, oldest first. The list is rebuilt when something changes, not for
 * each call, and its members stay the same objects.
 */
import type { Incident } from "../../../core/domain/incident.ts";
import type { Json } from "../../../core/domain/subject.ts";
import { rfc3339 } from "../../../core/domain/time.ts";

type OpenIncidents = {
  /** Replaces the value of a key; undefined removes it. */
  set(key: string, incident: Incident | undefined): void;
  list(): readonly Json[];
};

export function createOpenIncidents(): OpenIncidents {
  const open = new Map<string, Incident>();
  let list: readonly Json[] | undefined;
  return {
    set(key, incident) {
      if (incident?.state === "open") open.set(key, incident);
      else if (!open.delete(key)) return;
      list = undefined;
    },
    list() {
      list ??= [...open.values()]
        .sort((one, other) => one.openedAt - other.openedAt || (one.id < other.id ? -1 : 1))
        .map(({ id, severity, scope, openedAt }) => ({ id, severity, scope, since: rfc3339(openedAt) }));
      return list;
    },
  };
}
