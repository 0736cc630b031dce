/** Security opens incidents and closes them, each call under a key, so that it has one effect however often it is made. */
import { textAt } from "../../../platform/programs/client.ts";
import type { Hands } from "./hands.ts";

/** Opened and closed; its id. */
export async function raiseIncident(hands: Hands): Promise<string | undefined> {
  const incident = await openIncident(hands);
  if (incident !== undefined) await closeIncident(hands, incident);
  return incident;
}

/** Closed once more: nothing happens, and the key is free again. */
export async function closeIncidentTwice(hands: Hands): Promise<void> {
  const incident = await raiseIncident(hands);
  if (incident !== undefined) await closeIncident(hands, incident);
}

export async function openIncident({ system, ledger, surelyOnce }: Hands): Promise<string | undefined> {
  const { approvals } = await system.as("sam");
  const body = { severity: "low", scope: "elsewhere", title: "Somebody kills the services" };
  ledger.incidentsUnknown += 1;
  const opened = await surelyOnce(
    (headers) => approvals("POST", "/v1/incidents", { body, headers }),
    ({ status }) => status !== 201,
  );
  if (opened === undefined) return undefined;
  ledger.incidentsUnknown -= 1;
  const incident = textAt(opened.body, "id");
  ledger.incidents.set(incident, new Set(["incident.opened"]));
  return incident;
}

export async function closeIncident({ system, ledger, surelyOnce }: Hands, incident: string): Promise<void> {
  const { approvals } = await system.as("sam");
  const closed = await surelyOnce(
    (headers) => approvals("POST", `/v1/incidents/${incident}/close`, { body: {}, headers }),
    ({ status }) => status !== 200 && status !== 409,
  );
  if (closed !== undefined) ledger.incidents.get(incident)?.add("incident.closed");
}
