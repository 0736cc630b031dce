/**
 * Writes the packages that the programs of `npm start` load as a few files (platform/programs/launch/bundled-packages.js), since most of a start
 * was finding and reading 1,500 of them. Does nothing when those are there that our sources import now. `npm start` runs it in the background.
 *
 * Only packages: our own code runs from its sources. Which packages, our sources say. All are made in one go, so that what two of them share is
 * there once, as it is in node_modules; what a program does not load is not read.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import path from "node:path";
import { build, type Plugin } from "esbuild";
import { bundleFolder, CACHE, INDEX } from "../platform/programs/launch/bundled-packages.js";

const ROOT = path.resolve(import.meta.dirname, "..");
const PROGRAMS = [
  "services/decision/main.ts",
  "services/approval/main.ts",
  "enforcers/node/main.ts",
  "sample/orders-api/main.ts",
  "sample/token-issuer/main.ts",
  "sample/start.ts",
];
/** They look for files of their own where they are, and share nothing with another package. */
const STAY = new Set(["node-pg-migrate", "@platformatic/kafka"]);
const STUB = "stub:";
/** In each file that is written: `require` of what is not in it, and where packages look for files of their own. */
const PRELUDE = [
  `import { createRequire as $createRequire } from "node:module";`,
  `const require = $createRequire(import.meta.url);`,
  `const $packages = import.meta.dirname + "/${path.relative(path.join(CACHE, "a-bundle"), path.join(ROOT, "node_modules"))}";`,
].join("\n");

const common = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: "node",
  format: "esm",
  splitting: true,
  metafile: true,
  logLevel: "error",
} as const;

/** Every package, or part of one, that a source of the programs imports: all of them, so that none is ever there twice. */
async function specifiers(): Promise<readonly string[]> {
  const { metafile } = await build({
    ...common,
    entryPoints: PROGRAMS,
    packages: "external",
    write: false,
    outdir: "-",
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  const packages = imports.filter(({ path: to, external }) => external === true && !isBuiltin(to) && !STAY.has(to));
  return [...new Set(packages.map(({ path: to }) => to))].toSorted();
}

/** One file for each, which exports exactly what Node would find there. */
const stubs: Plugin = {
  name: "stubs",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^stub:/ }, ({ path: given }) => ({ path: given.slice(STUB.length), namespace: "stub" }));
    onLoad({ filter: /.*/, namespace: "stub" }, async ({ path: specifier }) => {
      const names = Object.keys(await import(specifier));
      return { contents: stubOf(JSON.stringify(specifier), names), resolveDir: ROOT, loader: "js" };
    });
  },
};

/** NB: Node gives a CommonJS module the export `module.exports`, and looks for the other names in its text. */
function stubOf(specifier: string, names: readonly string[]): string {
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

async function bundle(folder: string, wanted: readonly string[]): Promise<void> {
  const fresh = `${folder}.${process.pid}.new`;
  try {
    await build({
      ...common,
      entryPoints: wanted.map((specifier) => ({ in: `${STUB}${specifier}`, out: path.parse(fileOf(specifier)).name })),
      outdir: fresh,
      outExtension: { ".js": ".mjs" },
      conditions: ["module-sync"],
      keepNames: true,
      banner: { js: PRELUDE },
      plugins: [stubs, ownFiles],
    });
    await writeFile(path.join(fresh, INDEX), indexOf(wanted));
    // Whole or not at all. It replaces another one only where our sources import something new, so while nobody is being started.
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

function indexOf(wanted: readonly string[]): string {
  return JSON.stringify(Object.fromEntries(wanted.map((specifier) => [specifier, fileOf(specifier)])));
}

async function removeOlder(folder: string): Promise<void> {
  const isOlder = (name: string) => name.startsWith("packages-") && !name.startsWith(path.basename(folder));
  for (const name of (await readdir(CACHE)).filter(isOlder)) {
    await rm(path.join(CACHE, name), { recursive: true, force: true });
  }
}

const folder = bundleFolder();
if (folder === undefined) throw new Error("npm has not installed the packages");
await mkdir(CACHE, { recursive: true });
const wanted = await specifiers();
const present = await readFile(path.join(folder, INDEX), "utf8").catch(() => undefined);
if (present !== indexOf(wanted)) {
  await bundle(folder, wanted);
  await removeOlder(folder);
}
