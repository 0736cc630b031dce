/**
 * Rule 10, which needs the whole tree: no import cycles (type imports count: a cycle of types is a cycle of thought), no
 * barrels, no folder whose name says nothing.
 */
import type { Broken } from "./allowed.ts";
import type { SourceFile } from "./source-file.ts";

const emptyNames = ["utils", "util", "helpers", "helper", "common", "shared", "lib", "misc"];

/** Folders anywhere in the tree, whatever their files are; Rego's `countersign/lib` is the named exception. */
export function emptyFolderNames(paths: readonly string[]): readonly string[] {
  const folders = new Set<string>();
  for (const path of paths) {
    const parts = path.split("/").slice(0, -1);
    for (const [index, part] of parts.entries()) {
      const folder = parts.slice(0, index + 1).join("/");
      if (emptyNames.includes(part) && folder !== "rego/countersign/lib") folders.add(folder);
    }
  }
  return [...folders].toSorted();
}

export function brokenBarrel(file: SourceFile): Broken | undefined {
  return file.isBarrel ? { rule: 10, reason: "no barrels: this file only passes on what others export" } : undefined;
}

/** Each cycle once, as the files in it in import order, starting with the alphabetically first one. */
export function cycles(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const done = new Set<string>();
  const found = new Map<string, readonly string[]>();
  const visit = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file);
    if (start >= 0) {
      const cycle = rotate(trail.slice(start));
      found.set(cycle.join(" "), cycle);
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
    done.add(file);
  };
  for (const file of [...graph.keys()].toSorted()) visit(file, []);
  return [...found.values()];
}

function rotate(cycle: readonly string[]): readonly string[] {
  const first = cycle.indexOf(cycle.toSorted()[0] ?? "");
  return [...cycle.slice(first), ...cycle.slice(0, first)];
}
