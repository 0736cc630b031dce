/**
 * A histogram that is cheap to add to: prom-client builds text of the labels and bucket bounds for each value. Here counts are plain numbers and
 * become text at a scrape, in prom-client's form (Prometheus' text format, version 0.0.4).
 */
import { createSeries, headOf, inBraces, type Labels } from "./series.ts";

export interface Histogram<L extends string> {
  /** `labels`: a value for each of its labels. */
  observe(value: number, labels?: Labels<L>): void;
}

interface ExposedHistogram<L extends string> extends Histogram<L> {
  /** As a scrape has it. */
  text(): string;
}

type HistogramOptions<L extends string> = {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
  readonly labels: readonly L[];
};

export function createHistogram<L extends string>(options: HistogramOptions<L>): ExposedHistogram<L> {
  const { name, help, buckets, labels: names } = options;
  const series = createSeries(names, (labels) => ({
    labels,
    /** Of values up to the bound of each bucket and above that of the one before; the last one has no bound. */
    counts: Array.from({ length: buckets.length + 1 }, () => 0),
    sum: 0,
  }));
  return {
    observe(value, labels) {
      const one = series.of(labels);
      if (one === undefined || !Number.isFinite(value)) throw new TypeError(`${name}: not a value with its labels`);
      let at = 0;
      while (at < buckets.length && value > (buckets[at] ?? 0)) at += 1;
      one.counts[at] = (one.counts[at] ?? 0) + 1;
      one.sum += value;
    },

    text() {
      const lines = headOf("histogram", name, help);
      for (const { labels, counts, sum } of series.all()) {
        let upTo = 0;
        for (const [at, count] of counts.entries()) {
          upTo += count;
          lines.push(`${name}_bucket{le="${buckets[at] ?? "+Inf"}"${labels}} ${upTo}`);
        }
        const own = inBraces(labels);
        lines.push(`${name}_sum${own} ${sum}`, `${name}_count${own} ${upTo}`);
      }
      return lines.join("\n");
    },
  };
}
