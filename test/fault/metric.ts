/** One metric of a running process, summed over its labels: what a test asks to know which process did the work. */

/**
 * On a connection of its own: one that is kept may be ended by the server just as it is used again.
 *
 * @param labels only samples that carry all of these; a name without samples is 0.
 */
export async function metricTotal(
  opsUrl: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const response = await fetch(`${opsUrl}/metrics`, {
    headers: { connection: "close" },
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  let total = 0;
  for (const line of text.split("\n")) {
    const [, found, inner = "", value] = /^([a-z0-9_]+)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? [];
    if (found === name && wanted.every((pair) => inner.includes(pair))) total += Number(value);
  }
  return total;
}
