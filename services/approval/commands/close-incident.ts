/** Closes an incident, on record. Decided under the incident's lock, so that only one of several callers closes it. */
import { principalOf } from "../../../core/domain/access-request.ts";
import { closeIncident } from "../../../core/domain/incident.ts";
import type { People, Transactions } from "../ports.ts";
import type { CloseIncident, CloseOutcome } from "./ports.ts";

type Deps = { readonly people: People; readonly store: Transactions };

export function createCloseIncident({ people, store }: Deps) {
  return async ({ incidentId, by, reason, unchanged, settle }: CloseIncident): Promise<CloseOutcome> => {
    const who = principalOf(await people.resolve(by));
    return store.transaction(
      "close incident",
      async (tx): Promise<CloseOutcome> => {
        const incident = await tx.incidents.lock(incidentId);
        if (incident === undefined) return { kind: "refused", reason: "unknown_incident" };
        if (unchanged?.(incident) === false) return { kind: "refused", reason: "precondition_failed" };
        const closed = closeIncident(incident, reason, who, await tx.now());
        if (closed.kind === "already_closed") return { kind: "refused", reason: "already_closed" };
        await tx.incidents.save(closed.incident);
        await tx.outbox.append([closed.event]);
        return { kind: "closed", incident: closed.incident };
      },
      settle,
    );
  };
}
