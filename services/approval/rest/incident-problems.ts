/** Rows of the table of problems (problem-table.ts) about incidents. */
export const INCIDENT_PROBLEMS = {
  unknown_incident: {
    status: 404,
    title: "There is no such incident",
    detail: "GET /v1/incidents lists those that are open.",
  },
  already_closed: { status: 409, title: "The incident is closed", detail: "If it has begun again, open a new one." },
  too_many_incidents: {
    status: 409,
    title: "Too many incidents are open",
    detail: "Close some first: each is part of the input of every decision.",
  },
} as const;
