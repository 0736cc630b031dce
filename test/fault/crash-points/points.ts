/** Every crash point, by the service that has it: around each commit, publish, mark, send and answer, with the work that reaches it. */
import { COMMITS, DECISION_STEPS, PUBLISHES, SENDS, type Unreached, type Work } from "./work.ts";

type Points = ReadonlyMap<string, Work>;

function around(works: Readonly<Record<string, Work | Unreached>>, before: string, after: string): Points {
  const points = new Map<string, Work>();
  for (const [name, work] of Object.entries(works)) {
    if (typeof work !== "function") continue;
    points.set(`${name} before ${before}`, work);
    points.set(`${name} after ${after}`, work);
  }
  return points;
}

export const APPROVAL_POINTS: Points = new Map([
  ...around(COMMITS, "commit", "commit"),
  ...around(PUBLISHES, "publish", "acknowledgement"),
  ...around(SENDS, "send", "send"),
]);

export const DECISION_POINTS: Points = DECISION_STEPS;
