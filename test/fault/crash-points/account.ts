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
import { keptFileFaults } from "./kept-files.ts";
import type { Ledger } from "./ledger.ts";
import { securityFaults } from "./security-account.ts";

const SETTLED_MS = 180_000;

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
  // First: a database that was set back a moment ago has yet to tell of it.
  const untrue = await untilTrue(system);
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
      if (count === 0 || (count > 1 && !isRepeatable(type)))
        faults.push(`${type} of ${thing}: ${count} times on record`);
    }
  };
  for (const [request, types] of ledger.requests) expectOnce(request, types);
  for (const [grant, types] of ledger.grants) expectOnce(grant, types);
  for (const [incident, types] of ledger.incidents) expectOnce(incident, types);
  for (const [what, count] of counted) if (count > 1 && !isRepeatable(what)) faults.push(`${what}: ${count} times`);

  const decided = new Map<string, number>();
  for (const event of record.events) {
    if (kindOf(event) !== "decision") continue;
    const id = textAt(event, "id");
    decided.set(id, (decided.get(id) ?? 0) + 1);
  }
  for (const id of ledger.decisions)
    if (decided.get(id) !== 1) faults.push(`decision ${id}: ${decided.get(id) ?? 0} times`);
  faults.push(...(await lostDenials(system, ledger)), ...securityFaults(ledger, own, counted));
  const { uses, wrong } = await useFaults(system, counted);
  faults.push(...wrong, ...webhookFaults(system, ledger), ...untrue, ...(await keptFileFaults(system)));
  return {
    ...{ faults, sealed: sealed.length, decisions: decided.size, logs: record.verdicts.length },
    ...{ repeated: record.repeated, uses },
  };
}

async function settled(system: System, ledger: Ledger): Promise<void> {
  await Promise.all(system.decisions.map((decision) => decision.untilFresh()));
  // Some have a moment to go yet.
  const lapsing = [...ledger.grants].filter(([, types]) => types.has("grant.expired")).map(([grant]) => grant);
  let waiting: unknown;
  await waitUntil("everything to be taken, swept, sealed, published and delivered", SETTLED_MS, async () => {
    await abandonAgain(system, ledger);
    const { rows } = await ask<Record<string, number>>(
      system,
      `select (select count(*) from outbox)::int as outbox, (select count(*) from republish)::int as republish,
              (select count(*) from audit_log
                where arrival > coalesce((select position from relay_cursors where name = 'audit-relay'), 0))::int as audit,
              (select count(*) from notifications where delivered_at is null)::int as notifications,
              (select count(*) from grants where state in ('active', 'scheduled')
                 and (expires_at < clock_timestamp() or id = any ($2)))::int as lapsed,
              ($1 - (select count(*) from audit_log
                      where event->>'type' = 'countersign.record.quarantined.v1'))::int as unread,
              (select count(*) from grants where published_version < version and tombstoned_at is null)::int as grants,
              (select count(*) from incidents where published_version < version and tombstoned_at is null)::int as incidents,
              (select count(*) from requests where status = 'pending'
                 and least(expires_at, escalate_at) < clock_timestamp())::int as requests,
              (select count(*) from denials where not stays
                 and expires_at < clock_timestamp() - interval '24 hours')::int as denials`,
      [ledger.forged, lapsing],
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

/**
 * A denial is delivered again where the service was killed before its place on the topic was marked, and is stored again with its own end if it had been
 * forgotten by then: within the minute here, and not before two days have passed otherwise. That end may be over by now, though not for the day after
 * which it is swept.
 */
async function abandonAgain(system: System, { abandoned }: Ledger): Promise<void> {
  const past =
    "update denials set expires_at = clock_timestamp() - interval '48 hours' where id = any ($1) and expires_at > clock_timestamp() - interval '24 hours'";
  await ask(system, past, [[...abandoned]]);
}

/** How often each event is told of each thing, `type id`. */
function countByThing(events: readonly unknown[]): ReadonlyMap<string, number> {
  const counted = new Map<string, number>();
  for (const event of events) {
    const {
      grant_id: grant,
      request_id: request,
      quarantine_id: quarantine,
      incident_id: incident,
    } = members(members(event, "data")["data"], "grant_id", "request_id", "quarantine_id", "incident_id");
    const kind = kindOf(event);
    const thing = kind.startsWith("grant.") ? grant : (quarantine ?? incident ?? request);
    const what = `${kind} ${String(thing)}`;
    counted.set(what, (counted.get(what) ?? 0) + 1);
  }
  return counted;
}

/** A vote whose answer was lost is cast again and refused, which is on record each time; so is every try of a replay. */
function isRepeatable(what: string): boolean {
  return /^(?:review\.refused|record\.replayed)\b/.test(what);
}

/** Whoever wrote over the topic may have done so a moment ago. */
async function untilTrue(system: System): Promise<readonly string[]> {
  let found: readonly string[] = [];
  await waitUntil("the state topic to say the truth", SETTLED_MS, async () => {
    found = await differencesFromTruth(system);
    return found.length === 0;
  }).catch(() => {}); // said by name
  return found;
}

async function lostDenials(system: System, ledger: Ledger): Promise<readonly string[]> {
  const { rows } = await ask<{ id: string }>(system, "select id from denials");
  const stored = new Set(rows.map(({ id }) => id));
  return [...ledger.denials].flatMap((id) => {
    if (ledger.abandoned.has(id)) return stored.has(id) ? [`denial ${id} is over and still stored`] : [];
    return stored.has(id) ? [] : [`denial ${id} was named and is not stored`];
  });
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

/** Every request is asked for at a reviewer, by one id however often it was sent; and escalated by one, where it was. */
function webhookFaults(system: System, ledger: Ledger): readonly string[] {
  const expected = new Map([
    ["review_requested", [...ledger.requests.keys()]],
    ["review_escalated", [...ledger.escalated]],
  ]);
  const ids = new Map<string, Set<string>>();
  for (const { headers, body } of system.notified) {
    const sent: unknown = JSON.parse(body.toString("utf8"));
    const { type, data } = members(sent, "type", "data");
    const { id } = members(members(data, "request")["request"], "id");
    const what = `${String(type)} ${String(id)}`;
    ids.set(what, (ids.get(what) ?? new Set()).add(String(headers["webhook-id"])));
  }
  return [...expected].flatMap(([kind, requests]) =>
    requests.flatMap((request) => {
      const count = ids.get(`countersign.${kind}.v1 ${request}`)?.size ?? 0;
      return count === 1 ? [] : [`${kind} of request ${request} was notified under ${count} ids`];
    }),
  );
}
