/** Every crash point, by the service that has it: around each commit, publish, mark, send and answer. The names are those of the stand-ins. */

const around = (name: string, what: "commit" | "publish") => [
  `${name} before ${what}`,
  `${name} after ${what === "commit" ? "commit" : "acknowledgement"}`,
];

export const APPROVAL_POINTS: readonly string[] = [
  ...around("denial", "commit"),
  ...around("offset", "commit"),
  ...around("decisions", "commit"),
  ...around("quarantine", "commit"),
  ...around("submit", "commit"),
  ...around("review", "commit"),
  ...around("revoke", "commit"),
  // After its commit is before its reply.
  ...around("redemption", "commit"),
  ...around("sweep", "commit"),
  ...around("seal", "commit"),
  ...around("audit", "publish"),
  ...around("audit mark", "commit"),
  ...around("audit decisions", "publish"),
  ...around("decisions mark", "commit"),
  ...around("grants", "publish"),
  ...around("grants mark", "commit"),
  ...around("heartbeat", "publish"),
  ...["webhook before send", "webhook after send", "webhook mark after commit"],
];

export const DECISION_POINTS: readonly string[] = [
  ...around("denials", "publish"),
  ...["spool before write", "spool after write"],
  ...around("decisions", "publish"),
  ...["shipped before mark", "shipped after mark"],
  ...["redeem before call", "redeem after reply"],
];
