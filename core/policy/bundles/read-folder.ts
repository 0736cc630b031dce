/**
 * Reads a bundle from a folder: every file below it, under the limits of every bundle. Links are refused as in an archive: otherwise whoever can
 * write to the folder could have any file of the machine read.
 */
import { open, opendir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { AppError } from "../../domain/app-error.ts";
import { BUNDLE_LIMITS, type BundleFiles, type BundleLimits, createFileCollector } from "./bundle-files.ts";

/** @throws AppError invalid_bundle; a fault of the file system passes as it is */
export async function readFolder(folder: string, limits: BundleLimits = BUNDLE_LIMITS): Promise<BundleFiles> {
  const collector = createFileCollector(limits);
  for await (const path of filesBelow(folder, collector.entry)) {
    const add = collector.begin(relative(folder, path).replaceAll(sep, "/"));
    await using file = await open(path);
    for await (const chunk of file.createReadStream({ autoClose: false })) if (chunk instanceof Uint8Array) add(chunk);
  }
  return collector.end();
}

/** Paths of the regular files; `count` is told of every entry. */
export async function* filesBelow(folder: string, count: () => void): AsyncGenerator<string> {
  for await (const entry of await opendir(folder)) {
    count();
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path, count);
    else if (entry.isFile()) yield path;
    else throw new AppError("invalid_bundle", `${entry.name} is no regular file`);
  }
}
