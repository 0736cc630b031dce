/**
 * Writes the sources of the programs of `npm start` as a few files each (platform/programs/launch/bundled-programs.js). Does nothing for one that
 * is there and up to date. Packages stay outside, and so do the threads and files of a program that it names by its own place.
 */
import { mkdir, readdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { INDEX, isCacheOurs, ROOT } from "../platform/programs/launch/bundled-packages.js";
import { findBundledProgram, programFolder, stampOf } from "../platform/programs/launch/bundled-programs.js";
import { BUNDLE_MAIN, bundleSources } from "./bundle-packages/bundle-sources.ts";
import { PROGRAMS } from "./bundle-packages/programs.ts";
import { removeBundle } from "./bundle-packages/remove-bundle.ts";

/** How a bundle is made; a change of these makes all of them stale. */
const MADE_BY = [
  "node_modules/.package-lock.json",
  "scripts/bundle-programs.ts",
  "scripts/bundle-packages/bundle-sources.ts",
];
/** A file that changes again this soon may look as before: clocks of file systems step by up to 10 ms. */
const CLOCK_STEP_MS = 50;

async function bundle(main: string): Promise<void> {
  const folder = programFolder(main);
  const fresh = `${folder}.${process.pid}.new`;
  const stamps = new Map(MADE_BY.map((file) => [file, stampOf(file)]));
  try {
    await bundleSources(main, { writtenTo: fresh, folder, onSource: (file) => stamps.set(file, stampOf(file)) });
    await sleep(CLOCK_STEP_MS);
    if (![...stamps].every(([file, stamp]) => stampOf(file) === stamp)) return; // somebody is at work; the next start makes it
    for (const file of await readdir(fresh)) {
      const written = path.relative(ROOT, path.join(folder, file));
      stamps.set(written, stampOf(path.relative(ROOT, path.join(fresh, file))));
    }
    await writeFile(
      path.join(fresh, INDEX),
      JSON.stringify({ entry: BUNDLE_MAIN, stamps: Object.fromEntries(stamps) }),
    );
    if (findBundledProgram(main) !== undefined) return; // somebody was faster, and may be starting from it
    await removeBundle(folder);
    await rename(fresh, folder);
  } finally {
    await removeBundle(fresh);
  }
}

if (isCacheOurs()) {
  const mains = PROGRAMS.map((main) => path.join(ROOT, main));
  const names = new Set(mains.map((main) => path.basename(programFolder(main))));
  const all = path.dirname(programFolder(path.join(ROOT, PROGRAMS[0])));
  await mkdir(all, { recursive: true });
  // Of a program that is no more, and what a builder left that was killed.
  const others = (await readdir(all)).filter((name) => !names.has(name));
  for (const name of others) await removeBundle(path.join(all, name));
  await Promise.all(mains.filter((main) => findBundledProgram(main) === undefined).map(bundle));
}
