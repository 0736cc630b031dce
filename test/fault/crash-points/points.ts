/** Every crash point, by the service that has it: around each commit, publish, mark, send and answer. The names are those of the stand-ins. */
import { STATEMENTS, TRANSACTIONS } from "./effects.ts";

const around = (name: string, what: "commit" | "publish") => [
  `${name} before ${what}`,
  `${name} after ${what === "commit" ? "commit" : "acknowledgement"}`,
];

const COMMITS = [...TRANSACTIONS, ...STATEMENTS].filter(({ unreached }) => unreached === undefined);
const PUBLISHES = ["audit", "audit decisions", "grants", "incidents", "profiles", "tombstones", "heartbeat"];

/** After the commit of a redemption is before its reply. */
export const APPROVAL_POINTS: readonly string[] = [
  ...COMMITS.flatMap(({ name }) => around(name, "commit")),
  ...PUBLISHES.flatMap((name) => around(name, "publish")),
  ...["webhook before send", "webhook after send"],
];

export const DECISION_POINTS: readonly string[] = [
  ...around("denials", "publish"),
  ...["spool before write", "spool after write"],
  ...around("decisions", "publish"),
  ...["shipped before mark", "shipped after mark"],
  ...["redeem before call", "redeem after reply"],
];
