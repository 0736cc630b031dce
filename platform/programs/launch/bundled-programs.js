/**
 * Where a program of ours stands as a few files: its sources as scripts/bundle-programs.ts joined them, since a start was mostly the finding and
 * reading of some three hundred. NB: what is stale never runs. Beside a bundle stands what every file that it was made from looked like then, and its
 * own files too: times to the nanosecond, size and number. One that differs, and there is no bundle: the program runs from its sources. Of these
 * the time of the last change (ctime) cannot be set by anybody, so that no edit and no restored copy of a file goes unseen.
 * Plain JavaScript: see quick-start.js.
 */
import { readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { CACHE, INDEX, ROOT } from "./bundled-packages.js";

/** `main` as an absolute path. */
export function programFolder(main) {
  return join(CACHE, "programs", relative(ROOT, main).replace(/[^\w.-]+/g, "_"));
}

/** `file` from the root. @throws where there is none */
export function stampOf(file) {
  const { mtimeNs, ctimeNs, size, ino } = statSync(join(ROOT, file), { bigint: true });
  return `${mtimeNs} ${ctimeNs} ${size} ${ino}`;
}

/** How to load a program in the place of its main file, and where that is; undefined where it is not bundled, or something has changed since. */
export function findBundledProgram(main) {
  const folder = programFolder(main);
  try {
    const { entry, stamps } = JSON.parse(readFileSync(join(folder, INDEX), "utf8"));
    for (const file in stamps) if (stampOf(file) !== stamps[file]) return undefined;
    return {
      source: pathToFileURL(main).href,
      folder: `${pathToFileURL(folder).href}/`,
      bundle: { url: pathToFileURL(join(folder, entry)).href, format: "module", shortCircuit: true },
    };
  } catch {
    return undefined;
  }
}
