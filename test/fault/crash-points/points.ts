/** Every crash point, by the service that has it: around each commit, publish, mark, send, answer and kept file, with the work that reaches it. */
import { APPROVAL_FILES, COMMITS, DECISION_FILES, DECISION_STEPS, PUBLISHES, SENDS, type Work } from "./work.ts";

type Points = ReadonlyMap<string, Work>;

function around(works: Readonly<Record<string, Work>>, ...moments: readonly string[]): Points {
  return new Map(
    Object.entries(works).flatMap(([name, work]) => moments.map((moment) => [`${name} ${moment}`, work] as const)),
  );
}

const REPLACED = ["half written", "before rename", "after rename"];

export const APPROVAL_POINTS: Points = new Map([
  ...around(COMMITS, "before commit", "after commit"),
  ...around(PUBLISHES, "before publish", "after acknowledgement"),
  ...around(SENDS, "before send", "after send"),
  ...around(APPROVAL_FILES, ...REPLACED),
]);

export const DECISION_POINTS: Points = new Map([...DECISION_STEPS, ...around(DECISION_FILES, ...REPLACED)]);
