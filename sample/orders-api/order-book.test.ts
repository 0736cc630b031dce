/**
 * The order book of the sample API: refused actions leave no trace, and performed ones can be seen.
 */
import { expect, test } from "@jest/globals";
import { createOrderBook } from "./order-book.ts";

const book = () => createOrderBook([{ id: "42", item: "lamp" }]);

test("a refund of an order that does not exist pays nothing", () => {
  const it = book();
  expect(it.refund({ order: "7", amount: 40, by: "dana" })).toEqual({ kind: "no-such-order" });
  expect(it.refunds()).toEqual([]);
});

test.each([0, -1, 0.5, Number.NaN])("a refund of %p pays nothing", (amount) => {
  const it = book();
  expect(it.refund({ order: "42", amount, by: "dana" })).toEqual({ kind: "bad-amount" });
  expect(it.refunds()).toEqual([]);
});

test("deleting what is not there says so and leaves the other orders", () => {
  const it = book();
  expect(it.remove("7")).toBe(false);
  expect(it.order("42")).toBeDefined();
});

test("a deleted order is gone and a paid refund is listed with who caused it", () => {
  const it = book();
  const refund = { order: "42", amount: 40, by: "dana" };
  expect(it.refund(refund)).toEqual({ kind: "paid", refund });
  expect(it.remove("42")).toBe(true);
  expect(it.orders()).toEqual([]);
  expect(it.refunds()).toEqual([refund]);
});
