/** Writes specifiers.json: what the sources of the programs import of packages, found by following their imports. */
import { writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import path from "node:path";
import { build } from "esbuild";
import { PROGRAMS } from "./programs.ts";
import { SPECIFIERS } from "./specifiers.ts";

/** They look for files of their own where they are, and share nothing with another package. */
const STAY = new Set(["node-pg-migrate", "@platformatic/kafka"]);

const { metafile } = await build({
  absWorkingDir: path.resolve(import.meta.dirname, "../.."),
  bundle: true,
  platform: "node",
  format: "esm",
  splitting: true,
  metafile: true,
  logLevel: "error",
  entryPoints: [...PROGRAMS],
  packages: "external",
  write: false,
  outdir: "-",
});
const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
const packages = imports.filter(({ path: to, external }) => external === true && !isBuiltin(to) && !STAY.has(to));
const specifiers = [...new Set(packages.map(({ path: to }) => to))].toSorted();
await writeFile(SPECIFIERS, `${JSON.stringify(specifiers, undefined, 2)}\n`);
