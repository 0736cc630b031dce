/** A database that lost commits which the state topic has seen: the grant ends, the incident is stated anew (store/end-behind-topic.ts). */
import { ask } from "../state-topic.ts";
import type { Hands } from "./hands.ts";
import { closeIncident, openIncident } from "./incidents.ts";

const AHEAD = 5;

export async function setBackGrant(hands: Hands): Promise<void> {
  const granted = await hands.grant();
  if (granted !== undefined && (await setBack(hands, "grants", granted.id))) granted.steps.add("grant.revoked");
}

export async function setBackIncident(hands: Hands): Promise<void> {
  const incident = await openIncident(hands);
  if (incident === undefined || !(await setBack(hands, "incidents", incident))) return;
  await closeIncident(hands, incident);
}

/** Published in a later version than the one that is there afterwards. False when told to stop before it was made good. */
async function setBack({ system, change }: Hands, table: "grants" | "incidents", id: string): Promise<boolean> {
  await ask(system, `update ${table} set version = ${AHEAD} where id = $1`, [id]);
  const back = `update ${table} set version = 1, published_version = 1 where id = $1 and published_version = ${AHEAD}`;
  if (!(await change(back, [id]))) return false;
  // As with any failover, whoever was connected is not any more.
  await ask(
    system,
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%countersign.state-relay'",
  );
  return change(`select from ${table} where id = $1 and version > ${AHEAD}`, [id]);
}
