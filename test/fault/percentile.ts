/** Of measured times: the least that so many percent do not exceed (nearest rank). @throws without any. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
  if (value === undefined) throw new Error("a percentile of nothing");
  return value;
}

/** `p50 12 ms, p99 80 ms, max 91 ms` */
export function spread(values: readonly number[]): string {
  const at = (percent: number) => `${Math.round(percentile(values, percent))} ms`;
  return `p50 ${at(50)}, p99 ${at(99)}, max ${at(100)}`;
}
