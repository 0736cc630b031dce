/** Rows of the table of problems (problem-table.ts) that came with the Access Request profile. */
export const ACCESS_REQUEST_PROBLEMS = {
  invalid_denial_binding: {
    status: 400,
    title: "This is not bound to a denial",
    detail:
      "The binding token is none of a decision service that counts here, or the denial was of something else. Send what was denied, with its token.",
  },
  not_requestable: {
    status: 400,
    title: "Nothing of this can be asked for",
    detail: "There is no denial of yours under this evaluation id that offers a request.",
  },
  task_expired: {
    status: 410,
    title: "The task is over",
    detail: "Neither a decision nor a grant is left to wait for. Ask again if it is still needed.",
  },
} as const;
