/**
 * The ledger held against everything that can be seen from outside afterwards: the audit topic, the database, the state topic, the webhooks
 * and what reached the orders API. Each sentence that comes back is something that was lost, doubled or made up.
 */
import { members } from "../../../sample/story/see.ts";
import { textAt } from "../../../platform/programs/client.ts";
import type { System } from "../../harness/system.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { kindOf, readAuditRecord } from "../audit-record.ts";
import { ask, differencesFromTruth } from "../state-topic.ts";
import type { Ledger } from "./traffic.ts";

const SETTLED_MS = 60_000;

export type Account = {
  readonly faults: readonly string[];
  readonly sealed: number;
  readonly decisions: number;
  readonly logs: number;
  readonly repeated: number;
  readonly uses: number;
};

/** Waits until nothing is under way any more; the traffic has to have stopped. */
export async function account(system: System, ledger: Ledger): Promise<Account> {
  await settled(system, ledger);
  const record = await readAuditRecord(system);
  const faults = record.verdicts.flatMap((one) =>
    one.kind === "broken" ? [`log ${one.log} is broken at ${one.index}: ${one.reason}`] : [],
  );
  const own = record.events.filter((event) => textAt(event, "logid") === "approval");
  const { rows: sealed } = await ask<{ leaf_hash: string }>(
    system,
    "select leaf_hash from audit_log where log_id = 'approval' order by leaf_index",
  );
  const published = own.map((event) => textAt(event, "leafhash"));
  if (JSON.stringify(published) !== JSON.stringify(sealed.map((row) => row.leaf_hash)))
    faults.push(`${sealed.length} events are sealed, ${published.length} others or in another order are published`);

  const counted = countByThing(own);
  const expectOnce = (thing: string, types: ReadonlySet<string>) => {
    for (const type of types) {
      const count = counted.get(`${type} ${thing}`) ?? 0;
      if (count !== 1) faults.push(`${type} of ${thing}: ${count} times on record`);
    }
  };
  for (const [request, types] of ledger.requests) expectOnce(request, types);
  for (const [grant, types] of ledger.grants) expectOnce(grant, types);
  for (const [what, count] of counted) if (count > 1 && !isRepeatable(what)) faults.push(`${what}: ${count} times`);

  const decided = new Map<string, number>();
  for (const event of record.events) {
    if (kindOf(event) !== "decision") continue;
    const id = textAt(event, "id");
    decided.set(id, (decided.get(id) ?? 0) + 1);
  }
  for (const id of ledger.decisions)
    if (decided.get(id) !== 1) faults.push(`decision ${id}: ${decided.get(id) ?? 0} times`);
  faults.push(...(await lostDenials(system, ledger)), ...(await quarantineFaults(system, ledger, counted)));
  const { uses, wrong } = await useFaults(system, counted);
  faults.push(...wrong, ...webhookFaults(system, ledger), ...(await differencesFromTruth(system)));
  return {
    ...{ faults, sealed: sealed.length, decisions: decided.size, logs: record.verdicts.length },
    ...{ repeated: record.repeated, uses },
  };
}

async function settled(system: System, ledger: Ledger): Promise<void> {
  await Promise.all(system.decisions.map((decision) => decision.untilFresh()));
  let waiting: unknown;
  await waitUntil("everything to be taken, swept, sealed, published and delivered", SETTLED_MS, async () => {
    const { rows } = await ask<Record<string, number>>(
      system,
      `select (select count(*) from outbox)::int as outbox, (select count(*) from republish)::int as republish,
              (select count(*) from audit_log
                where arrival > coalesce((select position from relay_cursors where name = 'audit-relay'), 0))::int as audit,
              (select count(*) from notifications where delivered_at is null)::int as notifications,
              (select count(*) from grants where state in ('active', 'scheduled')
                 and expires_at < clock_timestamp())::int as lapsed,
              ($1 - (select count(*) from quarantine))::int as unread,
              (select count(*) from grants where published_version < version)::int as unpublished`,
      [ledger.forged],
    );
    waiting = rows[0];
    return Object.values(rows[0] ?? { none: 1 }).every((count) => count <= 0);
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; still waiting: ${JSON.stringify(waiting)}`, { cause: error });
  });
  // Every decision that was answered, earlier boots' included.
  await waitUntil("all answered decisions to be on the record", SETTLED_MS, async () => {
    const { events } = await readAuditRecord(system);
    const known = new Set(events.map((event) => textAt(event, "id")));
    return [...ledger.decisions].every((id) => known.has(id));
  }).catch(() => {}); // said by name below
}

/** How often each event is told of each thing, `type id`. */
function countByThing(events: readonly unknown[]): ReadonlyMap<string, number> {
  const counted = new Map<string, number>();
  for (const event of events) {
    const {
      grant_id: grant,
      request_id: request,
      quarantine_id: quarantine,
    } = members(members(event, "data")["data"], ...["grant_id", "request_id", "quarantine_id"]);
    const kind = kindOf(event);
    const thing = kind.startsWith("grant.") ? grant : (quarantine ?? request);
    const what = `${kind} ${String(thing)}`;
    counted.set(what, (counted.get(what) ?? 0) + 1);
  }
  return counted;
}

/** A vote whose answer was lost is cast again and refused, which is on record each time. */
function isRepeatable(what: string): boolean {
  return what.startsWith("review.refused ");
}

async function lostDenials(system: System, ledger: Ledger): Promise<readonly string[]> {
  const { rows } = await ask<{ id: string }>(system, "select id from denials");
  const stored = new Set(rows.map(({ id }) => id));
  return [...ledger.denials].filter((id) => !stored.has(id)).map((id) => `denial ${id} was named and is not stored`);
}

async function quarantineFaults(
  system: System,
  ledger: Ledger,
  counted: ReadonlyMap<string, number>,
): Promise<readonly string[]> {
  const { rows } = await ask<{ id: string; value: string }>(
    system,
    "select id, convert_from(record_value, 'UTF8') as value from quarantine",
  );
  const distinct = new Set(rows.map(({ value }) => value));
  const untold = rows.filter(({ id }) => counted.get(`record.quarantined ${id}`) !== 1);
  return [
    ...(rows.length === ledger.forged && distinct.size === ledger.forged
      ? []
      : [`${ledger.forged} records nobody can read, ${rows.length} set aside, ${distinct.size} different`]),
    ...untold.map(({ id }) => `quarantined record ${id} is not told of once`),
  ];
}

async function useFaults(system: System, counted: ReadonlyMap<string, number>) {
  const { rows } = await ask<{ id: string; uses: number; redeemed: number; max_uses: number | null }>(
    system,
    `select id, uses, max_uses, (select count(*) from redemptions where grant_id = grants.id)::int as redeemed from grants`,
  );
  const passed = new Map<string, number>();
  for (const { grantId } of await system.orders.journal()) {
    if (grantId !== null) passed.set(grantId, (passed.get(grantId) ?? 0) + 1);
  }
  const wrong = rows.flatMap(({ id, uses, redeemed, max_uses: limit }) => {
    const told = counted.get(`grant.used ${id}`) ?? 0;
    const through = passed.get(id) ?? 0;
    const right = uses === redeemed && uses === told && through <= uses && uses <= (limit ?? uses);
    return right
      ? []
      : [`grant ${id}: ${uses} uses of ${limit}, ${redeemed} redeemed, ${told} told, ${through} passed`];
  });
  return { uses: rows.reduce((sum, { uses }) => sum + uses, 0), wrong };
}

/** Every request is asked for at a reviewer, by one id however often it was sent. */
function webhookFaults(system: System, ledger: Ledger): readonly string[] {
  const byRequest = new Map<string, Set<string>>();
  for (const { headers, body } of system.notified) {
    const text = body.toString("utf8");
    if (!text.includes('"type":"countersign.review_requested.v1"')) continue;
    const request = [...ledger.requests.keys()].find((id) => text.includes(id));
    if (request === undefined) continue;
    byRequest.set(request, (byRequest.get(request) ?? new Set()).add(String(headers["webhook-id"])));
  }
  return [...ledger.requests.keys()].flatMap((request) => {
    const count = byRequest.get(request)?.size ?? 0;
    return count === 1 ? [] : [`request ${request} was notified under ${count} ids`];
  });
}
