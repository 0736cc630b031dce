/**
 * The metrics of one process: a registry of its own (prom-client's global one is a singleton that tests and two servers in one process would
 * share) and the ways to add to it. Labels are few and closed; never an id of a person or a request.
 */
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { within } from "../within.ts";
import { type Counter, createCounter } from "./counter.ts";
import { createHistogram, type Histogram } from "./histogram.ts";

export interface Metrics {
  counter<L extends string>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  /**
   * `collect` is called at each scrape, for values that are cheaper to ask than to follow. One that rejects, or takes longer than `COLLECT_MS`,
   * leaves the gauge as `collect` left it; the scrape goes on.
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

/** Prometheus gives a whole scrape ten seconds unless told otherwise. NB: a database that accepts and never answers must not hide what the others say. */
const COLLECT_MS = 3_000;

/** `prefix` is put before every name, for example `myproduct_`. Process metrics keep the names that dashboards know. */
export function createMetrics({ prefix }: { readonly prefix: string }): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  /** Cheaper to add to than those of prom-client; all else is its. */
  const own = new Map<string, { text(): string }>();
  /** With its prefix. NB: a scrape with two of a name is refused as a whole. */
  const newName = (name: string) => {
    const whole = `${prefix}${name}`;
    if (own.has(name) || registry.getSingleMetric(whole) !== undefined)
      throw new Error(`two metrics of the name ${name}`);
    return whole;
  };
  return {
    counter(name, help, labels = []) {
      const counter = createCounter({ name: newName(name), help, labels });
      own.set(name, counter);
      return counter;
    },
    gauge(name, help, labels = [], collect) {
      const settings = { name: newName(name), help, registers: [registry], labelNames: [...labels] };
      if (collect === undefined) return new Gauge(settings);
      const gauge: Gauge<(typeof labels)[number]> = new Gauge({
        ...settings,
        collect: async () => {
          await within(COLLECT_MS, Promise.resolve(collect(gauge))).catch(() => {});
        },
      });
      return gauge;
    },
    histogram(name, help, buckets, labels = []) {
      const histogram = createHistogram({ name: newName(name), help, buckets, labels });
      own.set(name, histogram);
      return histogram;
    },
    async expose() {
      const texts = [...own.values()].map((one) => `${one.text()}\n`);
      return { contentType: registry.contentType, text: [...texts, await registry.metrics()].join("\n") };
    },
  };
}
