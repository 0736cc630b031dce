/** Lists of large rows: a page ends where it is large enough, `next` says that there are more, and each row is shown once. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { DeniedCall } from "../../../core/domain/denial.ts";
import { SWEEPER } from "../../../core/domain/events.ts";
import { sealBatch } from "../../../services/approval/publish/sealer.ts";
import { sealerRows } from "../../../services/approval/store/audit-rows.ts";
import { ids } from "./approval-fixture.ts";
import { type Answer, at, itemsOf, textAt } from "./rest-answer.ts";
import { createRestApproval, offering, type RestApproval, tokenOf } from "./rest-fixture.ts";

let rest: RestApproval;
beforeAll(async () => {
  rest = await createRestApproval();
});
afterAll(() => rest.close());

const MAX_BYTES = 1_000_000;
const sam = tokenOf("sam", ["security"]);
const LARGE_CALL: DeniedCall = {
  ...{ protocol: "http", method: "GET", authority: "orders.example", path: `/${"x".repeat(50_000)}` },
  ...{ maskedQuery: "", bodyBytes: undefined, fieldHashes: {}, sourceAddress: undefined },
};

const sizeOf = ({ body }: Answer) => Buffer.byteLength(JSON.stringify(body));

/** All pages from the first on; `between` runs behind each that is not the last. */
async function walk(token: string, list: string, between: () => Promise<unknown>) {
  const pages: Answer[] = [];
  for (let cursor = ""; ; ) {
    const page = await rest.call("GET", `${list}limit=200${cursor}`, { token });
    pages.push(page);
    const next = at(page, "next");
    if (typeof next !== "string") return pages;
    cursor = `&cursor=${next}`;
    await between();
  }
}

const idsOf = (pages: readonly Answer[]) =>
  pages.flatMap((page) => itemsOf(page).map((_, n) => textAt(page, `items.${n}.id`)));

async function expectWholeAndSmall(pages: readonly Answer[], made: readonly string[]): Promise<void> {
  expect(idsOf(pages)).toEqual(made.toReversed());
  expect(pages.length).toBeGreaterThan(2);
  for (const page of pages) expect(sizeOf(page)).toBeLessThan(MAX_BYTES);
}

test("large denials come in small pages, each once and in order, while new ones come", async () => {
  const token = tokenOf("dora");
  const made: string[] = [];
  for (let n = 0; n < 50; n += 1) made.push((await rest.denyTo(token, { call: LARGE_CALL })).id);
  await expectWholeAndSmall(await walk(token, "/v1/denials?", () => rest.denyTo(token, { call: LARGE_CALL })), made);
});

test("so do large requests, whoever looks at them", async () => {
  const token = tokenOf("rita");
  const ask = async (n: number) => {
    const denial = await rest.denyTo(token, { call: LARGE_CALL, ...offering({ scope: `order/${n}` }) });
    const body = { denial_id: denial.id, justification: "the customer was charged twice" };
    return textAt(await rest.call("POST", "/v1/requests", { token, body }), "request.id");
  };
  const made: string[] = [];
  for (let n = 0; n < 50; n += 1) made.push(await ask(n));
  let more = 50;
  await expectWholeAndSmall(await walk(token, "/v1/requests?", () => ask(more++)), made);
  const seen = idsOf(await walk(tokenOf("max", ["managers"]), "/v1/requests?awaiting=me&", async () => undefined));
  expect(seen.filter((id) => made.includes(id))).toEqual(made.toReversed());
});

test("so do large events, and `next` leads through all of them", async () => {
  const about = {
    by: SWEEPER,
    denialId: undefined,
    requestId: undefined,
    grantId: undefined,
    policyRevision: undefined,
  };
  const data = { incidentId: ids.fresh("incident"), reason: "x".repeat(50_000) };
  const closed = Array.from({ length: 50 }, () => ({ ...about, type: "incident.closed", data }) as const);
  await rest.store.transaction("submit", (tx) => tx.outbox.append(closed));
  while ((await rest.database.transaction("seal", (tx) => sealBatch(tx, sealerRows, 50))) > 0);
  const { rows } = await rest.database.query<{ index: string }>(
    "select leaf_index as index from audit_log order by arrival",
  );
  expect(rows.length).toBeGreaterThanOrEqual(closed.length);
  const seen: string[] = [];
  for (let after = "0"; ; ) {
    const page = await rest.call("GET", `/v1/audit?limit=200&after=${after}`, { token: sam });
    expect(sizeOf(page)).toBeLessThan(MAX_BYTES);
    seen.push(...itemsOf(page).map((_, n) => textAt(page, `items.${n}.index`)));
    if (textAt(page, "next") === after) break;
    after = textAt(page, "next");
  }
  expect(seen).toEqual(rows.map(({ index }) => index));
});

test("a row that is larger than a page is a page by itself, with those after it", async () => {
  const made: string[] = [];
  for (let n = 0; n < 3; n += 1) {
    const id = ids.fresh("quarantine");
    const headers = new Map([["forged", Buffer.alloc(900_000)]]);
    const record = { topic: "countersign.denials.v1", partition: 0, offset: BigInt(n), key: "k", value: null, headers };
    const fault = { reason: "signature_invalid", detail: "signature_invalid" } as const;
    await rest.store.transaction("submit", (tx) => tx.quarantine.insert(id, { ...record, ...fault }));
    made.push(id);
  }
  const pages = await walk(sam, "/v1/quarantine?", async () => undefined);
  expect(pages.map((page) => itemsOf(page).length)).toEqual([1, 1, 1]);
  expect(idsOf(pages)).toEqual(made.toReversed());
});
