/**
 * Opens an incident, on record; the state relay tells the decision services. The number of open incidents is limited, because all are part of
 * every input.
 */
import { principalOf } from "../../../core/domain/access-request.ts";
import { MOST_OPEN_INCIDENTS, openIncident } from "../../../core/domain/incident.ts";
import type { Ids, People, Transactions } from "../ports.ts";
import type { OpenIncident, OpenOutcome } from "./ports.ts";

type Deps = { readonly people: People; readonly ids: Ids; readonly store: Transactions };

export function createOpenIncident({ people, ids, store }: Deps) {
  return async ({ by, severity, scope, title, settle }: OpenIncident): Promise<OpenOutcome> => {
    const who = principalOf(await people.resolve(by));
    return store.transaction(
      "open incident",
      async (tx): Promise<OpenOutcome> => {
        if ((await tx.incidents.countOpen()) >= MOST_OPEN_INCIDENTS) {
          return { kind: "refused", reason: "too_many_incidents" };
        }
        const asked = { id: ids.fresh("incident"), severity, scope, title };
        const { incident, event } = openIncident(asked, who, await tx.now());
        await tx.incidents.insert(incident);
        await tx.outbox.append([event]);
        return { kind: "opened", incident };
      },
      settle,
    );
  };
}
