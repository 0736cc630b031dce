/** A server under load, and what it says of its own work by its metrics. */
import { metricTotal } from "../../harness/metrics.ts";

type Work = {
  /** Seconds of processor time so far, of all threads. */
  readonly cpuS: number;
  /** Seconds that main threads have been stopped for collecting garbage. */
  readonly gcS: number;
};

/** What a share of garbage collection is, for the page. */
export const GC_SHARE =
  "GC: pauses for collections, as a share of the processor time; the steps in which a heap is marked and swept between them are in that time, and not in the share.";

export type Measured = { readonly ports: readonly number[]; work(): Promise<Work> };

/** `opsUrls`: of each of its processes. */
export function measured(ports: readonly number[], opsUrls: readonly string[]): Measured {
  const total = async (name: string) => {
    const each = await Promise.all(opsUrls.map((url) => metricTotal(url, name)));
    return each.reduce((sum, one) => sum + one, 0);
  };
  return {
    ports,
    work: async () => ({
      cpuS: await total("process_cpu_seconds_total"),
      gcS: await total("nodejs_gc_duration_seconds_sum"),
    }),
  };
}
