/**
 * Joins the sources of a program in a few files. Packages stay outside, and so do the threads and files of a program that it names by its own
 * place: `import.meta` of each source says what it says where the source stands.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { build, type Plugin } from "esbuild";
import { ROOT } from "../../platform/programs/launch/bundled-packages.js";

/** In the folder of a bundle: what is run in the place of the program's main file. */
export const BUNDLE_MAIN = "main.mjs";

/** In each file that is written: what `import.meta` of a source says. */
const prelude = (folder: string) => `import { dirname as $dirname, resolve as $resolve } from "node:path";
import { pathToFileURL as $url } from "node:url";
const $meta = (file) => {
  const filename = $resolve(import.meta.dirname, ${JSON.stringify(path.relative(folder, ROOT))}, file);
  return { filename, dirname: $dirname(filename), url: $url(filename).href };
};`;

/** Each source keeps its own place. */
function ownSources(onSource: (file: string) => void): Plugin {
  return {
    name: "own sources",
    setup({ onLoad }) {
      onLoad({ filter: /\.[jt]s$/ }, async ({ path: file }) => {
        const within = path.relative(ROOT, file);
        onSource(within);
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

type Bundling = {
  readonly writtenTo: string;
  /** Where it runs, if that is another. */
  readonly folder?: string;
  /** Is told of each source, from the root, before it is read. */
  readonly onSource?: (file: string) => void;
  /** Asked before our own. */
  readonly plugins?: readonly Plugin[];
};

/** `main` as an absolute path. */
export async function bundleSources(
  main: string,
  { writtenTo, folder = writtenTo, onSource = () => {}, plugins = [] }: Bundling,
): Promise<void> {
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
    entryPoints: [{ in: main, out: path.parse(BUNDLE_MAIN).name }],
    outdir: writtenTo,
    outExtension: { ".js": path.parse(BUNDLE_MAIN).ext },
    banner: { js: prelude(folder) },
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, useDefineForClassFields: true } },
    plugins: [...plugins, ownSources(onSource)],
  });
}
