/** Whether what a process has logged is what its metrics count. */
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { COUNTED_BY } from "../../services/decision/decision-log/observe-decision.ts";

const SOON_MS = 30_000;

type Counts = ReadonlyMap<string, number>;

/**
 * Events that are counted and not logged, or logged and not counted, as `event level`, of a process that logs at every level. It goes on meanwhile:
 * what was counted before has to be in its log soon, and what is in its log is counted afterwards.
 */
export async function wronglyCounted(opsUrl: string, log: () => Promise<string>): Promise<readonly string[]> {
  const before = await countedEvents(opsUrl);
  let logged: Counts = new Map();
  const isLogged = async () => {
    logged = loggedEvents(await log());
    return oftener(before, logged).length === 0;
  };
  await waitUntil("what was counted to be in the log", SOON_MS, isLogged, { everyMs: 250 }).catch(() => {}); // told below
  return [...oftener(before, logged), ...oftener(logged, await countedEvents(opsUrl))];
}

function loggedEvents(log: string): Counts {
  const counts = new Map<string, number>();
  for (const line of log.split("\n").filter((text) => text.startsWith("{"))) {
    const { event = "unnamed", level }: { readonly event?: string; readonly level: string } = JSON.parse(line);
    add(counts, `${event} ${level}`, 1);
  }
  return counts;
}

async function countedEvents(opsUrl: string): Promise<Counts> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  const samples = text.matchAll(/^countersign_\w+_events_total\{event="(\w+)",level="(\w+)"\} (\d+)$/gm);
  const counts = new Map<string, number>();
  for (const [, event, level, count] of samples) add(counts, `${event} ${level}`, Number(count));
  for (const [event, counter] of COUNTED_BY) {
    const own = text.matchAll(new RegExp(`^countersign_\\w+_${counter}\\{.*\\} (\\d+)$`, "gm"));
    for (const [, count] of own) add(counts, `${event} debug`, Number(count));
  }
  return counts;
}

function add(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

/** Events that one has oftener than the other. */
function oftener(one: Counts, than: Counts): readonly string[] {
  return [...one]
    .filter(([event, count]) => count > (than.get(event) ?? 0))
    .map(([event, count]) => `${event}: ${count} and not ${than.get(event) ?? 0}`);
}
