/** Faults and score of one schema on one value. The score tells which of several failing alternatives came closest. */

export type Fault = { readonly type: string; readonly field: string; readonly description: string };

/** Where the value stands, from the root. */
export type Path = readonly string[];

export class Outcome {
  readonly faults: Fault[] = [];
  score = 0;

  add(type: string, path: Path, description: string): void {
    this.faults.push({ type, field: fieldOf(path), description });
    this.score -= 2;
  }

  merge(other: Outcome): void {
    this.faults.push(...other.faults);
    this.score += other.score;
  }

  get isValid(): boolean {
    return this.faults.length === 0;
  }
}

export function fieldOf(path: Path): string {
  return path.length === 0 ? "(Root)" : path.join(".");
}

/** The first of the highest score; nothing when there was none to try. */
export function closest(tried: readonly Outcome[]): Outcome {
  return tried.reduce((best, one) => (one.score > best.score ? one : best), tried[0] ?? new Outcome());
}
