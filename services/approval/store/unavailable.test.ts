/** What counts as a database that does not answer, by what pg, pg-pool and the socket say of it. */
import { expect, test } from "@jest/globals";
import { sayingUnavailable } from "./unavailable.ts";

function rejectingWith(fault: unknown) {
  const reject = () => Promise.reject(fault);
  return sayingUnavailable({ query: reject, transaction: reject });
}

test.each([
  ["a statement that is not answered", new Error("Query read timeout")],
  ["a pool without a free connection", new Error("timeout exceeded when trying to connect")],
  ["a connection that was lost", new Error("Connection terminated unexpectedly")],
  ["a connection that is of no use", new Error("Client has encountered a connection error and is not queryable")],
  ["a port where nobody listens", Object.assign(new Error("no"), { code: "ECONNREFUSED" })],
  ["a server that shuts down", Object.assign(new Error("no"), { severity: "FATAL", code: "57P01" })],
  ["a row that is not let go", Object.assign(new Error("no"), { severity: "ERROR", code: "55P03" })],
  ["any of these as a cause", new Error("begin failed", { cause: new Error("Query read timeout") })],
])("%s is unavailable, to a statement and to a transaction", async (_what, error) => {
  const database = rejectingWith(error);
  const unavailable = { code: "unavailable", cause: error };
  await expect(database.query("select 1")).rejects.toMatchObject(unavailable);
  await expect(database.transaction("review", async () => {})).rejects.toMatchObject(unavailable);
});

test.each([
  ["a fault of ours", new TypeError("rows is not iterable")],
  ["what the server refuses", Object.assign(new Error("no"), { severity: "ERROR", code: "23505" })],
])("%s passes unchanged", async (_what, error) => {
  const database = rejectingWith(error);
  await expect(database.query("select 1")).rejects.toBe(error);
  await expect(database.transaction("review", async () => {})).rejects.toBe(error);
});
