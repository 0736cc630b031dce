/**
 * What the decision service wants changed in a message's header lines, applied in its order: changes first, then removals,
 * as Envoy does. A replaced or removed line goes in every spelling that an upstream could fold into the same name, so that
 * what a client sent never stands beside what the decision service said (oauth2-proxy CVE-2025-64484).
 */
import { folded, type HeaderLine } from "./header-line.ts";

export type HeaderChange = {
  readonly kind: "replace" | "add" | "add_if_absent" | "replace_if_present";
  readonly line: HeaderLine;
};

export function changeLines(
  lines: readonly HeaderLine[],
  changes: readonly HeaderChange[],
  removed: readonly string[] = [],
): readonly HeaderLine[] {
  const changed = changes.reduce(changeOne, lines);
  const gone = new Set(removed.map(folded));
  return gone.size === 0 ? changed : changed.filter(([name]) => !gone.has(folded(name)));
}

function changeOne(lines: readonly HeaderLine[], { kind, line }: HeaderChange): readonly HeaderLine[] {
  const plain = folded(line[0]);
  const isThere = lines.some(([name]) => folded(name) === plain);
  if (kind === "add_if_absent" && isThere) return lines;
  if (kind === "replace_if_present" && !isThere) return lines;
  const kept = kind === "add" ? lines : lines.filter(([name]) => folded(name) !== plain);
  return [...kept, line];
}
