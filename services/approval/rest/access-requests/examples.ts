/** An example of every successful answer of the profile's routes, for the OpenAPI document: the request of examples.ts, as a task. */
import type { Static } from "typebox";
import type { TaskShown } from "./shown.ts";

type Shown = Static<typeof TaskShown>;

const REQUEST = "01930000-0000-7000-8000-000000000002";
const AT = `https://approvals.example/access/v1/requests/${REQUEST}`;

const seen: Shown["task"] = {
  id: REQUEST,
  status: "pending",
  status_endpoint: AT,
  expires_at: "2026-11-24T10:01:00.000Z",
  display: { title: "Delete an order" },
};
const pending: Shown = { task: { ...seen, links: { cancel: `${AT}/cancel` } } };
const approved: Shown = {
  task: { ...seen, status: "approved" },
  result: {
    mode: "reevaluate",
    approval: {
      id: "01930000-0000-7000-8000-000000000004",
      approved_at: "2026-11-24T09:05:00.000Z",
      approved_until: "2026-11-24T09:15:00.000Z",
    },
  },
};
const cancelled: Shown = { task: { ...seen, status: "cancelled" } };

const SUBMITTED = ["location", "idempotency-replayed"] as const;

/** By operation and status. */
export const ACCESS_REQUEST_EXAMPLES = [
  ["submitAccessRequest 201", { description: "Decided at once.", value: approved, headers: SUBMITTED }],
  [
    "submitAccessRequest 202",
    { description: "It waits for people.", value: pending, headers: [...SUBMITTED, "retry-after"] },
  ],
  [
    "getAccessRequest 200",
    { description: "The task. While it is pending, when to look again.", value: approved, headers: ["retry-after"] },
  ],
  [
    "cancelAccessRequest 200",
    { description: "The task as it ended.", value: cancelled, headers: ["idempotency-replayed"] },
  ],
] as const;
