/** A counter that is cheap to add to, as every decision does: prom-client sorts, checks and joins the labels for each count. At a scrape it says the same. */
import { createSeries, headOf, inBraces, type Labels } from "./series.ts";

export interface Counter<L extends string> {
  /** `by`: one more unless given, never below 0. */
  inc(by?: number): void;
  /** `labels`: a value for each of its labels. */
  inc(labels: Labels<L>, by?: number): void;
}

interface ExposedCounter<L extends string> extends Counter<L> {
  /** As a scrape has it. */
  text(): string;
}

type CounterOptions<L extends string> = {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly L[];
};

export function createCounter<L extends string>({ name, help, labels: names }: CounterOptions<L>): ExposedCounter<L> {
  const series = createSeries(names, (labels) => ({ labels, count: 0 }));
  return {
    inc(first?: Labels<L> | number, second?: number) {
      const isLabelled = typeof first === "object";
      const one = series.of(isLabelled ? first : undefined);
      const by = (isLabelled ? second : first) ?? 1;
      if (one === undefined || !Number.isFinite(by) || by < 0)
        throw new TypeError(`${name}: not a count with its labels`);
      one.count += by;
    },

    text() {
      const lines = headOf("counter", name, help);
      for (const { labels, count } of series.all()) lines.push(`${name}${inBraces(labels)} ${count}`);
      return lines.join("\n");
    },
  };
}
