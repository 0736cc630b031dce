/**
 * A histogram that is cheap to add to: prom-client builds text of the labels and bucket bounds for each value. Here counts are plain numbers and
 * become text at a scrape, in prom-client's form (Prometheus' text format, version 0.0.4).
 */
export interface Histogram<L extends string> {
  /** `labels`: a value for each of its labels. */
  observe(value: number, labels?: Readonly<Record<L, string>>): void;
}

export interface ExposedHistogram<L extends string> extends Histogram<L> {
  /** As a scrape has it. */
  text(): string;
}

type Series = {
  readonly labels: string;
  /** Of values up to the bound of each bucket and above that of the one before; the last one has no bound. */
  readonly counts: number[];
  sum: number;
};

type HistogramOptions<L extends string> = {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
  readonly labels: readonly L[];
};

export function createHistogram<L extends string>(options: HistogramOptions<L>): ExposedHistogram<L> {
  const { name, help, buckets, labels: names } = options;
  const all = new Map<string, Series>();
  const [onlySeries] = names.length === 0 ? [begin("", "")] : [];

  function begin(key: string, labels: string): Series {
    const series = { labels, counts: Array.from({ length: buckets.length + 1 }, () => 0), sum: 0 };
    all.set(key, series);
    return series;
  }

  function seriesOf(labels: Readonly<Record<L, string>>): Series {
    let key = "";
    for (const one of names) key += `${labels[one]}\n`;
    return all.get(key) ?? begin(key, names.map((one) => `,${one}="${escaped(labels[one])}"`).join(""));
  }

  return {
    observe(value, labels) {
      const series = onlySeries ?? (labels === undefined ? undefined : seriesOf(labels));
      if (series === undefined || !Number.isFinite(value)) throw new TypeError(`${name}: not a value with its labels`);
      let at = 0;
      while (at < buckets.length && value > (buckets[at] ?? 0)) at += 1;
      series.counts[at] = (series.counts[at] ?? 0) + 1;
      series.sum += value;
    },

    text() {
      const lines = [`# HELP ${name} ${help.replace(/[\\\n]/g, escape)}`, `# TYPE ${name} histogram`];
      for (const { labels, counts, sum } of all.values()) {
        let upTo = 0;
        for (const [at, count] of counts.entries()) {
          upTo += count;
          lines.push(`${name}_bucket{le="${buckets[at] ?? "+Inf"}"${labels}} ${upTo}`);
        }
        const own = labels === "" ? "" : `{${labels.slice(1)}}`;
        lines.push(`${name}_sum${own} ${sum}`, `${name}_count${own} ${upTo}`);
      }
      return lines.join("\n");
    },
  };
}

function escaped(value: string): string {
  return value.replace(/[\\\n"]/g, escape);
}

function escape(char: string): string {
  return char === "\n" ? String.raw`\n` : `\\${char}`;
}
