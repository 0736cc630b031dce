/**
 * How the results of two policies for the same question differ. If one is a fault, or the outcomes differ, only that is reported, since the rest
 * follows; under the same outcome, each part that both have is compared separately.
 */
import type { Parts, Statement } from "./said.ts";

/** `fault`: one of them, or each in another way, could not be evaluated; its detail is not compared. */
export type Difference = "fault" | "outcome" | keyof Parts;

const PARTS = ["reasons", "elevations", "response", "query", "status", "body", "metadata"] as const;

export function differencesBetween(one: Statement, other: Statement): readonly Difference[] {
  if (one.outcome !== other.outcome) return [one.isFault || other.isFault ? "fault" : "outcome"];
  return PARTS.filter((part) => {
    const [mine, others] = [one.parts[part], other.parts[part]];
    return mine !== undefined && others !== undefined && !isSame(mine, others);
  });
}

/** NB: by their text, since what came from another thread has other prototypes. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
