/**
 * Writes the packages that the programs of `npm start` load as a few files (platform/programs/launch/bundled-packages.js), since most of a start
 * was finding and reading 1,500 of them. Does nothing when they are there. `npm start` runs it when they are not (bundle-for-start.ts).
 *
 * Only packages: our own code is for bundle-programs.ts. Which packages, bundle-packages/specifiers.json says. All are made in one go, so that what
 * two of them share is there once, as it is in node_modules; what a program does not load is not read.
 */
import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { build, type Plugin } from "esbuild";
import {
  bundleFolder,
  CACHE,
  findBundledPackages,
  INDEX,
  isCacheOurs,
} from "../platform/programs/launch/bundled-packages.js";
import { removeBundle } from "./bundle-packages/remove-bundle.ts";
import { readSpecifiers } from "./bundle-packages/specifiers.ts";

const ROOT = path.resolve(import.meta.dirname, "..");
const ENTRY = "entry:";
/** In each file that is written: `require` of what is not in it, and where packages look for files of their own. */
const PRELUDE = [
  `import { createRequire as $createRequire } from "node:module";`,
  `const require = $createRequire(import.meta.url);`,
  `const $packages = import.meta.dirname + "/${path.relative(path.join(CACHE, "a-bundle"), path.join(ROOT, "node_modules"))}";`,
].join("\n");

/** One file for each, which exports exactly what Node would find there. */
const entries: Plugin = {
  name: "entries",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^entry:/ }, ({ path: given }) => ({ path: given.slice(ENTRY.length), namespace: "entry" }));
    onLoad({ filter: /.*/, namespace: "entry" }, async ({ path: specifier }) => {
      const names = Object.keys(await import(specifier));
      return { contents: entryOf(JSON.stringify(specifier), names), resolveDir: ROOT, loader: "js" };
    });
  },
};

/** NB: Node gives a CommonJS module the export `module.exports`, and looks for the other names in its text. */
function entryOf(specifier: string, names: readonly string[]): string {
  if (!names.includes("module.exports")) {
    return `export * from ${specifier};${names.includes("default") ? `export { default } from ${specifier};` : ""}`;
  }
  const others = names.filter((name) => name !== "default" && name !== "module.exports");
  const values = others.map((name, index) => `const $${index} = $module[${JSON.stringify(name)}];`);
  const exported = others.map((name, index) => `$${index} as ${JSON.stringify(name)}`);
  return `const $module = require(${specifier}); export default $module; ${values.join(" ")} export { ${exported.join(", ")} };`;
}

/** A package goes on finding files of its own. @throws for one that asks a way which a bundle would answer wrongly. */
const ownFiles: Plugin = {
  name: "own files",
  setup({ onLoad }) {
    onLoad({ filter: /node_modules.*\.[cm]?js$/ }, async ({ path: file }) => {
      const text = await readFile(file, "utf8");
      if (/\bimport\.meta\.(url|dirname|filename)\b/.test(text)) throw new Error(`${file} asks for its own place`);
      if (!/\b__(dirname|filename)\b/.test(text)) return undefined;
      const within = path.relative(path.join(ROOT, "node_modules"), file);
      const at = (place: string) => `($packages + ${JSON.stringify(`/${place}`)})`;
      const contents = text.replace(/\b__dirname\b/g, at(path.dirname(within))).replace(/\b__filename\b/g, at(within));
      return { contents, loader: "js" };
    });
  },
};

const fileOf = (specifier: string) => `${specifier.replace(/[^\w.-]+/g, "_")}.mjs`;

async function bundle(folder: string, specifiers: readonly string[]): Promise<void> {
  const fresh = `${folder}.${process.pid}.new`;
  try {
    await build({
      absWorkingDir: ROOT,
      bundle: true,
      platform: "node",
      format: "esm",
      splitting: true,
      logLevel: "error",
      entryPoints: specifiers.map((one) => ({ in: `${ENTRY}${one}`, out: path.parse(fileOf(one)).name })),
      outdir: fresh,
      outExtension: { ".js": ".mjs" },
      conditions: ["module-sync"],
      keepNames: true,
      banner: { js: PRELUDE },
      plugins: [entries, ownFiles],
    });
    const sizes = (await readdir(fresh)).map(
      async (file) => [file, (await stat(path.join(fresh, file))).size] as const,
    );
    const index = {
      packages: Object.fromEntries(specifiers.map((one) => [one, fileOf(one)])),
      sizes: Object.fromEntries(await Promise.all(sizes)),
    };
    await writeFile(path.join(fresh, INDEX), JSON.stringify(index));
    if (findBundledPackages() !== undefined) return; // somebody was faster, and may be starting from it
    await removeBundle(folder); // a damaged one
    await rename(fresh, folder);
  } finally {
    await removeBundle(fresh);
  }
}

/** Also what a builder left that was killed. */
async function removeOthers(folder: string): Promise<void> {
  const isOther = (name: string) => name.startsWith("packages-") && name !== path.basename(folder);
  for (const name of (await readdir(CACHE)).filter(isOther)) await removeBundle(path.join(CACHE, name));
}

const folder = bundleFolder();
if (folder === undefined) throw new Error("npm has not installed the packages");
if (isCacheOurs()) {
  await mkdir(CACHE, { recursive: true });
  if (findBundledPackages() === undefined) await bundle(folder, await readSpecifiers());
  await removeOthers(folder);
}
