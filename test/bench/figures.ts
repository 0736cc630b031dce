/** Medians and quantiles, and how a figure is written. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

/** Three digits that say something; whole numbers from 100 on. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return "-";
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(value === 0 ? 1 : 3);
}

/** The median, and in brackets the least and the most. */
export function withSpread(values: readonly number[]): string {
  return `${shown(median(values))} (${shown(Math.min(...values))} to ${shown(Math.max(...values))})`;
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const MET = "met";

/** A figure beside what it is meant to be. */
export function goal(value: number, holds: boolean, wanted: string): string {
  return `${shown(value)} (goal ${wanted}: ${holds ? MET : "NOT MET"})`;
}

type WithGoal = {
  /** NaN: what was measured is no number. */
  readonly value: number;
  readonly wanted: string;
  readonly isMet: boolean;
  /** All of it, as it is written. */
  readonly whole: string;
};

/** The figures of a text that `goal` wrote. */
export function withGoals(text: string): readonly WithGoal[] {
  return Array.from(
    text.matchAll(/(\S+) \(goal ([^:]+): (met|NOT MET)\)/g),
    ([whole, value = "", wanted = "", said]) => ({ value: written(value), wanted, isMet: said === MET, whole }),
  );
}

/** The number that is written so, thousands marked by commas. */
export function written(figure: string): number {
  return Number(figure.replaceAll(",", ""));
}
