/**
 * The metrics of one process: a registry of its own (prom-client's global one is a singleton that tests and two servers in one process would
 * share) and the ways to add to it. Labels are few and closed; never an id of a person or a request.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { createHistogram, type ExposedHistogram, type Histogram } from "./histogram.ts";

export interface Metrics {
  counter<L extends string>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  /**
   * `collect` is called at each scrape, for values that are cheaper to ask than to follow. One that rejects leaves the gauge as `collect`
   * left it; the scrape goes on.
   */
  gauge<L extends string>(
    name: string,
    help: string,
    labels?: readonly L[],
    collect?: (gauge: Gauge<L>) => void | Promise<void>,
  ): Gauge<L>;
  /** Buckets in the unit of the metric; by convention seconds. */
  histogram<L extends string>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly L[],
  ): Histogram<L>;
  /** The text of a scrape and its content type. */
  expose(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** `prefix` is put before every name, for example `myproduct_`. Process metrics keep the names that dashboards know. */
export function createMetrics({ prefix }: { readonly prefix: string }): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const histograms = new Map<string, Pick<ExposedHistogram<string>, "text">>();
  const common = (name: string, help: string) => {
    if (histograms.has(name)) throw new Error(`two metrics of the name ${name}`);
    return { name: `${prefix}${name}`, help, registers: [registry] };
  };
  return {
    counter: (name, help, labels = []) => new Counter({ ...common(name, help), labelNames: [...labels] }),
    gauge(name, help, labels = [], collect) {
      const settings = { ...common(name, help), labelNames: [...labels] };
      if (collect === undefined) return new Gauge(settings);
      const gauge: Gauge<(typeof labels)[number]> = new Gauge({
        ...settings,
        collect: async () => {
          await Promise.resolve(collect(gauge)).catch(() => {});
        },
      });
      return gauge;
    },
    histogram(name, help, buckets, labels = []) {
      const { name: whole } = common(name, help);
      // NB: a scrape with two of a name is refused as a whole.
      if (registry.getSingleMetric(whole) !== undefined) throw new Error(`two metrics of the name ${name}`);
      const histogram = createHistogram({ name: whole, help, buckets, labels });
      histograms.set(name, histogram);
      return histogram;
    },
    async expose() {
      const own = [...histograms.values()].map((one) => `${one.text()}\n`);
      return { contentType: registry.contentType, text: [...own, await registry.metrics()].join("\n") };
    },
  };
}
