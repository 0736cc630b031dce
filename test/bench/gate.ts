/**
 * What fails a build: a goal missed by more than 15 %. Two processors that others use too do not tell less apart, and figures that are no ratio have no
 * goal that CI asks for.
 */
import { withGoals, written } from "./figures.ts";

const LEEWAY = 0.15;
/** A goal that has one side. */
const ONE_SIDED = /^([≥≤<]) ([\d.,]+)$/;

type Gate = {
  /** Figures that have a goal. */
  readonly looked: number;
  /** Those far from it, as they are written. */
  readonly far: readonly string[];
};

/** Of a section of docs/performance.md. */
export function gateOf(text: string): Gate {
  const figures = withGoals(text).flatMap(({ whole, value, wanted }) => {
    const [, relation, bound] = ONE_SIDED.exec(wanted) ?? [];
    return bound === undefined ? [] : [{ whole, relation, value, wanted: written(bound) }];
  });
  const far = figures.filter(({ relation, value, wanted }) =>
    relation === "≥" ? !(value >= wanted * (1 - LEEWAY)) : !(value <= wanted * (1 + LEEWAY)),
  );
  return { looked: figures.length, far: far.map(({ whole }) => whole) };
}
