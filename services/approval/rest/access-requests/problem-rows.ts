/** Rows of the table of problems (problem-table.ts) for the Access Request profile. */
export const ACCESS_REQUEST_PROBLEMS = {
  invalid_denial_binding: {
    status: 400,
    title: "The binding token does not match a denial",
    detail:
      "It is not from a decision service that is trusted here, or the denial was of something else. Send exactly what was denied, with its token.",
  },
  not_requestable: {
    status: 400,
    title: "This cannot be requested",
    detail: "You have no denial with this evaluation id that can be requested.",
  },
  task_expired: {
    status: 410,
    title: "The task is over",
    detail: "There is no decision to wait for and no grant to use. Request it again if it is still needed.",
  },
} as const;
