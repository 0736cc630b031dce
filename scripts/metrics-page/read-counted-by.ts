/**
 * Finds which events have a counter of their own, and are not in `events_total`: `COUNTED_BY` of a source file, a map whose entries have to be
 * literals. One that cannot be read throws.
 */
export function readCountedBy(file: string, text: string): readonly (readonly [event: string, counter: string])[] {
  const [, entries] = /\bconst COUNTED_BY\b[^=]*= ([^;]*);/.exec(text) ?? [];
  if (entries === undefined) return [];
  const read = [...entries.matchAll(/\["(\w+)", "(\w+)"\]/g)].map(
    ([, event = "", counter = ""]) => [event, counter] as const,
  );
  const rest = entries.replaceAll(/\["\w+", "\w+"\]/g, "").replaceAll(/[\s,]/g, "");
  if (rest !== "newMap([])" || read.length === 0) throw new Error(`${file}: COUNTED_BY is no map of literals`);
  return read;
}
