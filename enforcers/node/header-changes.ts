/**
 * What the decision service wants changed in a message's header lines. A replaced or removed line of the original message goes
 * in every spelling that an upstream could fold into the same name, so that what a client sent never stands beside what the
 * decision service said (oauth2-proxy CVE-2025-64484). What the decision service itself set is told apart by its exact name:
 * it may remove `countersign_subject` and set `countersign-subject` in one answer. As in Envoy, removals come last.
 */
import { foldedName } from "../../platform/http/folded-name.ts";
import type { HeaderLine } from "./header-line.ts";

export type HeaderChange = {
  readonly kind: "replace" | "add" | "add_if_absent" | "replace_if_present";
  readonly line: HeaderLine;
};

export function changeLines(
  original: readonly HeaderLine[],
  changes: readonly HeaderChange[],
  removed: readonly string[] = [],
): readonly HeaderLine[] {
  const replaced = changes.filter(({ kind }) => kind === "replace").map(({ line: [name] }) => name);
  const gone = new Set([...replaced, ...removed].map(foldedName));
  const kept = original.filter(([name]) => !gone.has(foldedName(name)));
  const exactlyGone = new Set(removed);
  return changes.reduce(changeOne, kept).filter(([name]) => !exactlyGone.has(name));
}

function changeOne(lines: readonly HeaderLine[], { kind, line }: HeaderChange): readonly HeaderLine[] {
  const isThere = lines.some(([name]) => name === line[0]);
  if (kind === "add_if_absent" && isThere) return lines;
  if (kind === "replace_if_present" && !isThere) return lines;
  const kept = kind === "add" ? lines : lines.filter(([name]) => name !== line[0]);
  return [...kept, line];
}
