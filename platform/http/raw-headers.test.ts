import { expect, test } from "@jest/globals";
import { valuesIn } from "./raw-headers.ts";

test("all values of a name are found, in any case and order, and none of another name or of a value that looks like one", () => {
  const raw = [
    "x",
    "authorization",
    "authorization",
    "a",
    "Authorization",
    "b",
    "authorizations",
    "c",
    "x-authorization",
    "d",
    "AUTHORIZATION",
    "",
    "authorization",
  ];
  expect(valuesIn(raw, "authorization")).toEqual(["a", "b", ""]);
  expect(valuesIn(raw, "y")).toEqual([]);
});
