/**
 * What fails a build: a goal missed by more than 15 %. Two processors that others use too do not tell less apart, and figures that are no ratio have no
 * goal that CI asks for.
 */
const LEEWAY = 0.15;
/** As figures.ts writes a figure beside its goal. */
const FIGURE = /(\S+) \(goal ([≥≤<]) ([\d.,]+): (?:met|NOT MET)\)/g;

type Gate = {
  /** Figures that have a goal. */
  readonly looked: number;
  /** Those far from it, as they are written. */
  readonly far: readonly string[];
};

/** Of a section of docs/performance.md. */
export function gateOf(text: string): Gate {
  const figures = [...text.matchAll(FIGURE)].map(([whole, value = "", relation = "", wanted = ""]) => ({
    ...{ whole, relation, value: amount(value), wanted: amount(wanted) },
  }));
  const far = figures.filter(({ relation, value, wanted }) =>
    relation === "≥" ? !(value >= wanted * (1 - LEEWAY)) : !(value <= wanted * (1 + LEEWAY)),
  );
  return { looked: figures.length, far: far.map(({ whole }) => whole) };
}

function amount(written: string): number {
  return Number(written.replaceAll(",", ""));
}
