/** What a running process has open, by its metrics, beside what it had when the watch began. */
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { metricTotal } from "./metrics.ts";

type OpenWatch = {
  readonly moreFiles: () => Promise<number>;
  /** Resolves when nothing is open any more but for `own`. NB: of a connection its socket goes first; its streams and timers are memory still. */
  readonly letGo: () => Promise<void>;
};

/** @param own what it may open for itself between two looks: a file of its log, a connection that asks for its metrics. */
export async function watchOpen(opsUrl: string, own: number): Promise<OpenWatch> {
  const files = () => metricTotal(opsUrl, "process_open_fds");
  const awaited = () => metricTotal(opsUrl, "nodejs_active_resources_total");
  const before = { files: await files(), awaited: await awaited() };
  if (Math.min(before.files, before.awaited) === 0) throw new Error("the service does not say what it has open");
  return {
    moreFiles: async () => (await files()) - before.files,
    async letGo() {
      await waitUntil("the files to be let go", 20_000, async () => (await files()) <= before.files + own);
      await waitUntil("nothing more to be awaited", 20_000, async () => (await awaited()) <= before.awaited + own);
    },
  };
}
