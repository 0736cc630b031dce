import { expect, test } from "@jest/globals";
import { accessRequestFaults } from "./access-requests-config.ts";

const fine = { endpoint: "https://approvals.example/access/v1/requests", decisionPoints: ["https://pdp.example"] };
const keysOf = (changes: object) => accessRequestFaults({ ...fine, ...changes }).map(({ key }) => key);

test.each([
  [
    "an address that nobody is known by",
    { decisionPoints: ["https://pdp.example/"] },
    "accessRequests.decisionPoints.0",
  ],
  ["a password that everybody is shown", { endpoint: "https://:p@approvals.example/x" }, "accessRequests.endpoint"],
  ["a query", { endpoint: "https://approvals.example/x?y" }, "accessRequests.endpoint"],
])("%s is refused", (_, changes, key) => {
  expect(keysOf(changes)).toEqual([key]);
});

test("what can be reached and compared is not refused", () => {
  expect(keysOf({})).toEqual([]);
  expect(accessRequestFaults(undefined)).toEqual([]);
});
