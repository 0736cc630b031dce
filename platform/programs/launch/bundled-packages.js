/**
 * Where the packages that the services load stand as a few files: made by scripts/bundle-packages.ts, in a folder named by everything that
 * they are made from, so that no other packages, Node or way to make them can ever meet an old one; then there is none, and packages load as
 * they are. Our own code is not in there (bundled-programs.js). NB: a package edited by hand in node_modules is not noticed; remove node_modules/.cache.
 * Plain JavaScript: see quick-start.js.
 */
import { hash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

/** Of the project. */
export const ROOT = join(import.meta.dirname, "../../..");

/** What may be removed at any time. */
export const CACHE = join(ROOT, "node_modules/.cache/countersign");

/** In the folder: `packages`, the file of each specifier; `sizes`, the bytes of each file, so that one that lost some is none. */
export const INDEX = "index.json";

/** What is in node_modules, as npm wrote it down, and how and what of it is bundled. */
const MADE_FROM = [
  "node_modules/.package-lock.json",
  "scripts/bundle-packages.ts",
  "scripts/bundle-packages/specifiers.json",
];

/** Whether what is kept there is kept by whom npm installed for: what root would leave behind, the owner could not remove. */
export function isCacheOurs() {
  try {
    return statSync(join(ROOT, "node_modules")).uid === process.getuid?.();
  } catch {
    return false;
  }
}

/** The folder for what is installed now, whether it is there or not; undefined where bundles cannot be made. */
export function bundleFolder() {
  try {
    const texts = MADE_FROM.map((file) => hash("sha256", readFileSync(join(ROOT, file))));
    return join(CACHE, `packages-${hash("sha256", [process.version, ...texts].join()).slice(0, 16)}`);
  } catch {
    return undefined; // an image without the script
  }
}

/** How to load each specifier that was bundled; undefined where nothing is. */
export function findBundledPackages() {
  const folder = bundleFolder();
  if (folder === undefined) return undefined;
  try {
    const { packages, sizes } = JSON.parse(readFileSync(join(folder, INDEX), "utf8"));
    if (Object.entries(sizes).some(([file, size]) => statSync(join(folder, file)).size !== size)) return undefined;
    return new Map(
      Object.entries(packages).map(([specifier, file]) => {
        return [specifier, { url: pathToFileURL(join(folder, file)).href, format: "module", shortCircuit: true }];
      }),
    );
  } catch {
    return undefined;
  }
}
