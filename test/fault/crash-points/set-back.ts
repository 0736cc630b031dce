/** A database that lost commits which the state topic has seen: the grant ends, the incident is stated anew (store/end-behind-topic.ts). */
import { ask } from "../state-topic.ts";
import type { Hands } from "./ledger.ts";

const AHEAD = 5;

export async function setBackGrant(hands: Hands): Promise<void> {
  const granted = await hands.grant("30m");
  if (granted === undefined) return;
  if (await setBack(hands, "grants", granted.id)) granted.steps.add("grant.revoked");
}

/** Published in a later version than the one that is there afterwards. False when told to stop before it was made good. */
export async function setBack({ system, until }: Hands, table: "grants" | "incidents", id: string): Promise<boolean> {
  await ask(system, `update ${table} set version = ${AHEAD} where id = $1`, [id]);
  const is = (what: string) => async () =>
    (await ask(system, `select from ${table} where id = $1 and ${what}`, [id])).rows.length === 1;
  if (!(await until(is(`published_version = ${AHEAD}`)))) return false;
  await ask(system, `update ${table} set version = 1, published_version = 1 where id = $1`, [id]);
  // As with any failover, whoever was connected is not any more.
  await ask(
    system,
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%countersign.state-relay'",
  );
  return until(is(`version > ${AHEAD}`));
}
