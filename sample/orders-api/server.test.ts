/** The orders API over real HTTP: what it does, what it refuses, and that each call stands in its journal with who made it. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createJournal } from "./journal.ts";
import { createOrderBook, type OrderBook } from "./order-book.ts";
import { type OrdersApi, startOrdersApi } from "./server.ts";

let api: OrdersApi;
let book: OrderBook;

beforeEach(async () => {
  book = createOrderBook([{ id: "42", item: "lamp" }]);
  const journal = createJournal({ keep: 3 });
  api = await startOrdersApi({ book, journal, now: () => 1_800_000_000_000 }, { host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const url = `http://127.0.0.1:${api.port}${path}`;
  const response = await fetch(url, { method, headers: { ...type, ...headers }, ...sent });
  const answer: unknown = await response.json();
  return { status: response.status, answer };
}

describe("refused", () => {
  test.each([
    { method: "GET", path: "/orders/7" },
    { method: "DELETE", path: "/orders/7" },
    { method: "PUT", path: "/orders/7", body: { item: "desk" } },
    { method: "POST", path: "/refunds", body: { order: 7, amount: 1 } },
    { method: "GET", path: "/nowhere" },
  ])("$method $path: what does not exist is 404 and changes nothing", async ({ method, path, body }) => {
    expect((await call(method, path, body)).status).toBe(404);
    expect(book.orders()).toEqual([{ id: "42", item: "lamp" }]);
    expect(book.refunds()).toEqual([]);
  });

  test.each([{ amount: "40" }, { amount: 40.5 }, { amount: -1 }, {}, { amount: 1, more: true }])(
    "a refund of %j pays nothing",
    async (fields) => {
      const { status } = await call("POST", "/refunds", { order: 42, ...fields });
      expect([400, 422]).toContain(status);
      expect(book.refunds()).toEqual([]);
    },
  );

  test("an order that is there is not overwritten by a new one", async () => {
    expect((await call("POST", "/orders", { id: "42", item: "desk" })).status).toBe(409);
    expect(book.order("42")?.item).toBe("lamp");
  });
});

describe("done", () => {
  test("orders are read, made, replaced and deleted", async () => {
    expect(await call("GET", "/orders/42")).toEqual({ status: 200, answer: { id: "42", item: "lamp" } });
    expect((await call("POST", "/orders", { id: "43", item: "desk" })).status).toBe(201);
    expect((await call("PUT", "/orders/43", { item: "chair" })).status).toBe(200);
    expect((await call("DELETE", "/orders/42")).status).toBe(200);
    expect(await call("GET", "/orders")).toEqual({ status: 200, answer: [{ id: "43", item: "chair" }] });
  });

  test("a refund is paid, to the order by number or by text, and counts in the report and the administration", async () => {
    const dana = { "countersign-subject": "dana" };
    expect((await call("POST", "/refunds", { order: 42, amount: 40 }, dana)).status).toBe(201);
    expect((await call("POST", "/refunds", { order: "42", amount: 2 })).status).toBe(201);
    const refunds = [
      { order: "42", amount: 40, by: "dana" },
      { order: "42", amount: 2, by: null },
    ];
    expect((await call("GET", "/reports/totals")).answer).toEqual({ orders: 1, refunded: 42 });
    for (const path of ["/admin/book", "/book"])
      expect((await call("GET", path)).answer).toEqual({ orders: book.orders(), refunds });
  });
});

describe("the journal", () => {
  test("says who did what under which decision and grant, without the query", async () => {
    const caller = {
      "countersign-issuer": "https://idp.example.com",
      "countersign-subject": "dana",
      "countersign-decision-id": "decision-1",
      "countersign-grant-id": "grant-1",
    };
    await call("DELETE", "/orders/42?token=secret", undefined, caller);
    await call("DELETE", "/orders/42");
    const entry = { at: "2027-01-15T08:00:00.000Z", method: "DELETE", path: "/orders/42" };
    const nobody = { issuer: null, subject: null, decisionId: null, grantId: null };
    const by = { decisionId: "decision-1", grantId: "grant-1" };
    expect((await call("GET", "/journal")).answer).toEqual([
      { number: 1, ...entry, status: 200, issuer: "https://idp.example.com", subject: "dana", ...by },
      { number: 2, ...entry, status: 404, ...nobody },
    ]);
  });

  test("keeps the newest, can be read on from a number, and holds also what has no route", async () => {
    for (const path of ["/nowhere", "/orders", "/healthz", "/book", "/orders/42", "/reports/totals", "/journal"])
      await call("GET", path);
    expect((await call("GET", "/journal")).answer).toMatchObject([{ number: 2 }, { number: 3 }, { number: 4 }]);
    expect((await call("GET", "/journal?after=3")).answer).toMatchObject([{ number: 4, path: "/reports/totals" }]);
    await call("GET", "/nowhere");
    expect((await call("GET", "/journal?after=4")).answer).toMatchObject([{ number: 5, status: 404 }]);
  });
});
