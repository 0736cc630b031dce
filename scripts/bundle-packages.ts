/**
 * Writes the packages that the programs of `npm start` load at their start as a few files (platform/programs/launch/bundled-packages.js), since
 * most of a start was finding and reading 1,500 of them. Does nothing when they are there. `npm start` runs it in the background.
 *
 * Only packages: our own code runs from its sources. Which packages, our sources say. All are made in one go, so that what two of them share is
 * there once, as it is in node_modules; what is loaded only where it is configured (Kafka, traces, migrations) stays there.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import path from "node:path";
import { build, type Plugin } from "esbuild";
import { bundleFolder, CACHE } from "../platform/programs/launch/bundled-packages.js";

const ROOT = path.resolve(import.meta.dirname, "..");
const PROGRAMS = [
  "services/decision/main.ts",
  "services/approval/main.ts",
  "enforcers/node/main.ts",
  "sample/orders-api/main.ts",
  "sample/token-issuer/main.ts",
  "sample/start.ts",
];
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

/** Every package, or part of one, that the programs import before they do anything. */
async function specifiers(): Promise<readonly string[]> {
  const { metafile } = await build({
    ...common,
    entryPoints: PROGRAMS,
    packages: "external",
    write: false,
    outdir: "-",
  });
  const found = new Set<string>();
  const seen = new Set<string>();
  const follow = (output: string): void => {
    if (seen.has(output)) return;
    seen.add(output);
    for (const { path: to, kind, external } of metafile.outputs[output]?.imports ?? []) {
      if (kind !== "import-statement") continue;
      if (external !== true) follow(to);
      else if (!isBuiltin(to)) found.add(to);
    }
  };
  for (const [output, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (entryPoint !== undefined && PROGRAMS.includes(entryPoint)) follow(output);
  }
  return [...found].toSorted();
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

async function bundle(folder: string): Promise<void> {
  const wanted = await specifiers();
  const name = (specifier: string) => specifier.replace(/[^\w.-]+/g, "_");
  const fresh = `${folder}.${process.pid}.new`;
  try {
    await build({
      ...common,
      entryPoints: wanted.map((specifier) => ({ in: `${STUB}${specifier}`, out: name(specifier) })),
      outdir: fresh,
      outExtension: { ".js": ".mjs" },
      conditions: ["module-sync"],
      keepNames: true,
      banner: { js: PRELUDE },
      plugins: [stubs, ownFiles],
    });
    const index = Object.fromEntries(wanted.map((specifier) => [specifier, `${name(specifier)}.mjs`]));
    await writeFile(path.join(fresh, "index.json"), JSON.stringify(index));
    // Whole or not at all, and beside another one that makes the same.
    await rename(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function removeOthers(folder: string): Promise<void> {
  for (const one of await readdir(CACHE)) {
    if (one.startsWith("packages-") && one !== path.basename(folder)) {
      await rm(path.join(CACHE, one), { recursive: true, force: true });
    }
  }
}

const folder = bundleFolder();
if (folder === undefined) throw new Error("npm has not installed the packages");
await mkdir(CACHE, { recursive: true });
if (!(await readdir(CACHE)).includes(path.basename(folder))) {
  await bundle(folder);
  await removeOthers(folder);
}
