/** Grants, incidents and the record, page by page, while others write: whoever follows `next` sees what was there once, and nothing twice. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { id } from "../../../core/domain/id.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { sealBatch } from "../../../services/approval/publish/sealer.ts";
import { sealerRows } from "../../../services/approval/store/audit-rows.ts";
import { storedOffset } from "../../../services/approval/store/offsets.ts";
import { ids } from "./approval-fixture.ts";
import { logOf, some } from "./decision-log-fixture.ts";
import { inLocks } from "./redeeming.ts";
import { at, itemsOf, textAt } from "./rest-answer.ts";
import { createRestApproval, type RestApproval, tokenOf } from "./rest-fixture.ts";

let rest: RestApproval;
beforeAll(async () => {
  rest = await createRestApproval();
});
afterAll(() => rest.close());

const greta = tokenOf("greta");
const sam = tokenOf("sam", ["security"]);

async function granted(): Promise<string> {
  return textAt(await rest.vote(tokenOf("max", ["managers"]), await rest.askAs(greta)), "grant.id");
}

/** A grant whose id is from right after this one, and its row from now: so long its transaction took to commit. */
async function comesLate(after: string): Promise<string> {
  const [like, asked] = await Promise.all([rest.store.reads.grant(id("grant", after)), rest.askAs(greta)]);
  if (like === undefined) throw new Error("no such grant");
  const late = { ...like, id: id("grant", `${after.slice(0, 24)}ffffffffffff`), requestId: id("request", asked.id) };
  await rest.store.transaction("submit", (tx) => tx.grants.insert(late));
  return late.id;
}

async function page(token: string, url: string) {
  const answer = await rest.call("GET", url, { token });
  return { shown: itemsOf(answer).map((_, n) => textAt(answer, `items.${n}.id`)), next: at(answer, "next") };
}

/** All that a list shows, by twos; `between` runs before each page but the first. */
async function walk(token: string, list: string, between: (nth: number) => Promise<unknown>) {
  const seen: string[] = [];
  let cursor = "";
  for (let nth = 0; ; nth += 1) {
    const { shown, next } = await page(token, `${list}limit=2${cursor}`);
    seen.push(...shown);
    if (typeof next !== "string") return seen;
    cursor = `&cursor=${next}`;
    await between(nth);
  }
}

test("no grant is left out and none shown twice while others come between the pages, before and behind the cursor", async () => {
  const made: string[] = [];
  for (let n = 0; n < 7; n += 1) made.push(await granted());
  const [before, behind]: [string[], string[]] = [[], []];
  // Which of them the pages have passed, and which they have not, when another one comes right after it.
  const places = [
    { passed: 5, ahead: 3 },
    { passed: 4, ahead: 1 },
    { passed: 2, ahead: 0 },
  ];
  const seen = await walk(greta, "/v1/grants?", async (nth) => {
    before.push(await granted());
    const place = places[nth];
    if (place === undefined) return;
    before.push(await comesLate(made[place.passed] ?? ""));
    behind.push(await comesLate(made[place.ahead] ?? ""));
  });
  expect(behind).toHaveLength(places.length);
  expect(seen).toEqual([...made, ...behind].toSorted().toReversed());
  const all = await page(greta, "/v1/grants?limit=200");
  expect(all).toEqual({ shown: [...made, ...behind, ...before].toSorted().toReversed(), next: null });
});

async function openIncident(): Promise<string> {
  const body = { severity: "high", scope: "orders", title: "Orders are sent twice" };
  return textAt(await rest.call("POST", "/v1/incidents", { token: sam, body }), "id");
}

async function closeIncidents(...incidents: readonly (string | undefined)[]): Promise<void> {
  for (const incident of incidents) {
    const closed = await rest.call("POST", `/v1/incidents/${incident}/close`, { token: sam, body: {} });
    expect(closed.status).toBe(200);
  }
}

test("no incident is left out and none shown twice while one is opened between the pages, or while some close, before and behind the cursor", async () => {
  const made: string[] = [];
  for (let n = 0; n < 7; n += 1) made.unshift(await openIncident());
  const opened: string[] = [];
  const open = await walk(sam, "/v1/incidents?", async () => opened.push(await openIncident()));
  expect(open).toEqual(made);
  expect(opened).toHaveLength(3);

  await closeIncidents(made[0], made[1], made[2], made[4], made[5]);
  // The pages have passed those that were opened last, and not those of the first seven.
  const closing = [[made[3], opened[0]], [made[6], opened[1]], [opened[2]]];
  const closed = await walk(sam, "/v1/incidents?state=closed&", (nth) => closeIncidents(...(closing[nth] ?? [])));
  expect(closed).toEqual(made);
  const both = { shown: [...opened, ...made].toSorted().toReversed(), next: null };
  expect(await page(sam, "/v1/incidents?state=closed&limit=200")).toEqual(both);
});

/** Two decisions that are kept, of a log of their own. */
async function decide(): Promise<void> {
  const touching = (one: ReturnType<typeof logOf>[0]) =>
    one.decisionId === undefined ? one : { ...one, denialId: ids.fresh("denial") };
  const from = await storedOffset(rest.database, "decisions", 0, 0n);
  const origin = { topic: "decisions", partition: 0, from, next: from + 1n };
  const outcome = await rest.commands.recordDecisions({ entries: some(logOf(3).map(touching)), origin });
  expect(outcome).toMatchObject({ kind: "recorded", taken: 3 });
}

async function seal(): Promise<void> {
  while ((await rest.database.transaction("seal", (tx) => sealBatch(tx, sealerRows, 50))) > 0);
}

/** All that comes after it, as log and index, and where it ends; `between` runs behind each page that shows something. */
async function readOn(after: string, limit: number, between: (nth: number) => Promise<unknown> = async () => {}) {
  const seen: string[] = [];
  let from = after;
  for (let nth = 0; ; nth += 1) {
    const answer = await rest.call("GET", `/v1/audit?limit=${limit}&after=${from}`, { token: sam });
    for (const n of itemsOf(answer).keys())
      seen.push(`${textAt(answer, `items.${n}.log`)} ${textAt(answer, `items.${n}.index`)}`);
    const next = textAt(answer, "next");
    if (next === from) return { seen, next };
    from = next;
    await between(nth);
  }
}

async function onRecord(): Promise<readonly string[]> {
  const { rows } = await rest.database.query<{ entry: string }>(
    `select log_id || ' ' || leaf_index as entry
       from (select arrival, log_id, leaf_index from audit_log
              union all select arrival, log_id, leaf_index from decisions) as both_tables
      order by arrival`,
  );
  return rows.map(({ entry }) => entry);
}

test("what is sealed and what is kept between two pages of the record comes behind the cursor, in order, once", async () => {
  await seal();
  const begin = await readOn("0", 200);
  await rest.askAs(greta);
  await seal();
  const { seen } = await readOn(begin.next, 2, async (nth) => {
    if (nth >= 8) return;
    await rest.askAs(greta);
    await Promise.all([seal(), decide()]);
  });
  expect(seen.length).toBeGreaterThan(24);
  expect([...begin.seen, ...seen]).toEqual(await onRecord());
});

test("no page of the record passes an entry that has its number and is not committed yet", async () => {
  await rest.askAs(greta);
  const begin = await readOn("0", 200);
  const [numbered, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const sealing = rest.database.transaction("seal", async (tx) => {
    await sealBatch(tx, sealerRows, 50);
    numbered.resolve();
    await released.promise;
  });
  await Promise.race([numbered.promise, sealing]);
  let isKept = false;
  const keeping = decide().finally(() => {
    isKept = true;
  });
  await waitUntil(
    "the decisions to be kept or to wait",
    30_000,
    async () => isKept || (await inLocks(rest.database)) > 0,
  );
  const meanwhile = await readOn(begin.next, 1);
  released.resolve();
  await Promise.all([sealing, keeping]);
  const end = await readOn(meanwhile.next, 1);
  expect([...begin.seen, ...meanwhile.seen, ...end.seen]).toEqual(await onRecord());
  expect(end.seen.length).toBeGreaterThan(2);
});
