/**
 * The open incidents as policies see them: id, severity, scope and since when, oldest first. The list is rebuilt when something changes, not for
 * each call, and its members stay the same objects.
 *
 * NB: an incident that is missing opens what policies forbid during it, and anybody who can write to the topic can write a null. So a null alone
 * ends none; a heartbeat over a set without it does. (A genuine null of an open incident only follows a restore of the database.)
 */
import type { Incident } from "../../../core/domain/incident.ts";
import type { Json } from "../../../core/domain/subject.ts";
import { rfc3339 } from "../../../core/domain/time.ts";

type OpenIncidents = {
  /** Takes what a signed record says. */
  set(key: string, incident: Incident): void;
  /** A signed record stands under the key, whether or not it can be read: what was nulled is there again. */
  signed(key: string): void;
  /** A null stands under the key: an open incident of it stays, until `confirm`. */
  nulled(key: string): void;
  /** A heartbeat has confirmed the set as it is: what a null stands for is gone. */
  confirm(): void;
  list(): readonly Json[];
};

export function createOpenIncidents(): OpenIncidents {
  const open = new Map<string, Incident>();
  const doubtful = new Set<string>();
  let list: readonly Json[] | undefined;
  return {
    set(key, incident) {
      if (incident.state === "open") open.set(key, incident);
      else if (!open.delete(key)) return;
      list = undefined;
    },
    signed(key) {
      doubtful.delete(key);
    },
    nulled(key) {
      if (open.has(key)) doubtful.add(key);
    },
    confirm() {
      if (doubtful.size === 0) return;
      for (const key of doubtful) open.delete(key);
      doubtful.clear();
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
