/** What a running process says in its metrics: what a test asks to know which process did the work, and how often. */

/**
 * One metric, summed over its labels.
 *
 * @param labels only samples that carry all of these; a name without samples is 0.
 */
export async function metricTotal(
  opsUrl: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  let total = 0;
  for (const line of await metricLines(opsUrl)) {
    const [, found, inner = "", value] = /^([a-z0-9_]+)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? [];
    if (found === name && wanted.every((pair) => inner.includes(pair))) total += Number(value);
  }
  return total;
}

/** The first line that begins so: a sample, if `begin` is a metric's whole name. */
export async function metricLine(opsUrl: string, begin: string): Promise<string | undefined> {
  return (await metricLines(opsUrl)).find((line) => line.startsWith(begin));
}

/** On a connection of its own: one that is kept may be ended by the server just as it is used again. */
async function metricLines(opsUrl: string): Promise<readonly string[]> {
  const response = await fetch(`${opsUrl}/metrics`, {
    headers: { connection: "close" },
    signal: AbortSignal.timeout(20_000),
  });
  return (await response.text()).split("\n");
}
