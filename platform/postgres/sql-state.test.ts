import { expect, test } from "@jest/globals";
import { isUndone, isUniqueViolation, sqlState } from "./sql-state.ts";

test.each([
  ["a connection that broke", { code: "ECONNRESET" }],
  ["a fault of ours that names a code and a detail", { code: "unavailable", detail: "no" }],
  ["a severity without a code", { severity: "ERROR" }],
  ["text", "ERROR 23505"],
  ["nothing", undefined],
])("%s is no answer of a server", (_what, error) => {
  expect(sqlState(error)).toBeUndefined();
  expect(isUndone(error)).toBe(false);
  expect(isUniqueViolation(error, "requests_pkey")).toBe(false);
});

test.each([
  ["a server that shuts down", { severity: "FATAL", code: "57P01" }],
  ["one that breaks", { severity: "PANIK", code: "XX000" }],
  ["a connection that it gives up", { severity: "FATAL", code: "08006" }],
  ["a transaction that was left open for too long", { severity: "FATAL", code: "25P03" }],
  ["a disk that is full", { severity: "ERROR", code: "53100" }],
])("after %s it is open what became of a statement", (_what, error) => {
  expect(sqlState(error)).toBe(error.code);
  expect(isUndone(error)).toBe(false);
});

test.each(["ERROR", "FEHLER", "ERREUR"])("a refusal is one in every language: %s", (severity) => {
  for (const code of ["23505", "25P02", "55P03", "40P01", "57014", "22P02"])
    expect(isUndone({ severity, code })).toBe(true);
});

test("a unique violation is one of its constraint only", () => {
  const error = { severity: "ERROR", code: "23505", constraint: "requests_pkey" };
  expect(isUniqueViolation(error, "requests_pkey")).toBe(true);
  expect(isUniqueViolation(error, "requests_one_open")).toBe(false);
  expect(isUniqueViolation({ ...error, code: "23503" }, "requests_pkey")).toBe(false);
});
