/**
 * Writes the sources of the programs of `npm start` as a few files each (platform/programs/launch/bundled-programs.js). Does nothing for one that
 * is there and up to date. Packages stay outside, and so do the threads and files of a program that it names by its own place.
 */
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build, type Plugin } from "esbuild";
import { INDEX, isCacheOurs, ROOT } from "../platform/programs/launch/bundled-packages.js";
import { findBundledProgram, programFolder, stampOf } from "../platform/programs/launch/bundled-programs.js";
import { PROGRAMS } from "./bundle-packages/programs.ts";
import { removeBundle } from "./bundle-packages/remove-bundle.ts";

/** How a bundle is made; a change of these makes all of them stale. */
const MADE_BY = ["node_modules/.package-lock.json", "scripts/bundle-programs.ts"];
/** A file that changes again this soon may look as before: clocks of file systems step by up to 10 ms. */
const CLOCK_STEP_MS = 50;

/** In each file that is written: what `import.meta` of a source says. */
const prelude = (folder: string) => `import { dirname as $dirname, resolve as $resolve } from "node:path";
import { pathToFileURL as $url } from "node:url";
const $meta = (file) => {
  const filename = $resolve(import.meta.dirname, ${JSON.stringify(path.relative(folder, ROOT))}, file);
  return { filename, dirname: $dirname(filename), url: $url(filename).href };
};`;

/** Each source keeps its own place. `stamps` gets what it looked like before it was read. */
function ownSources(stamps: Map<string, string>): Plugin {
  return {
    name: "own sources",
    setup({ onLoad }) {
      onLoad({ filter: /\.[jt]s$/ }, async ({ path: file }) => {
        const within = path.relative(ROOT, file);
        stamps.set(within, stampOf(within));
        const text = await readFile(file, "utf8");
        const contents = text.replace(
          /\bimport\.meta(?=\.(dirname|filename|url)\b)/g,
          `$meta(${JSON.stringify(within)})`,
        );
        if (/\bimport\.meta\b/.test(contents)) throw new Error(`${within} asks for more than its place`);
        return { contents, loader: file.endsWith(".ts") ? "ts" : "js" };
      });
    },
  };
}

async function bundle(main: string): Promise<void> {
  const folder = programFolder(main);
  const fresh = `${folder}.${process.pid}.new`;
  const stamps = new Map(MADE_BY.map((file) => [file, stampOf(file)]));
  try {
    await build({
      absWorkingDir: ROOT,
      bundle: true,
      platform: "node",
      target: "node24",
      format: "esm",
      splitting: true,
      sourcemap: "linked",
      sourcesContent: false,
      packages: "external",
      logLevel: "error",
      entryPoints: [{ in: main, out: "main" }],
      outdir: fresh,
      outExtension: { ".js": ".mjs" },
      banner: { js: prelude(folder) },
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, useDefineForClassFields: true } },
      plugins: [ownSources(stamps)],
    });
    await sleep(CLOCK_STEP_MS);
    if (![...stamps].every(([file, stamp]) => stampOf(file) === stamp)) return; // somebody is at work; the next start makes it
    for (const file of await readdir(fresh)) {
      const written = path.relative(ROOT, path.join(folder, file));
      stamps.set(written, stampOf(path.relative(ROOT, path.join(fresh, file))));
    }
    await writeFile(path.join(fresh, INDEX), JSON.stringify({ entry: "main.mjs", stamps: Object.fromEntries(stamps) }));
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
