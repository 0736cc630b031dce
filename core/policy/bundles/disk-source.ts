/**
 * A bundle in a folder or in one tar.gz. It is read again when one of its files has another size, time or inode; a half-written one is
 * unreadable, or refused like any damaged one, and is read again when the rest has arrived. If the path is a symlink, one poll stays with its
 * first target: whoever points it at another folder meanwhile does not get a mixture of both read.
 */
import { createReadStream, type Stats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { relative } from "node:path";
import { AppError } from "../../domain/app-error.ts";
import { reasonOf } from "../../../platform/lifecycle/cannot-start.ts";
import { BUNDLE_LIMITS, type BundleLimits } from "./bundle-files.ts";
import { readArchive } from "./read-archive.ts";
import { filesBelow, readFolder } from "./read-folder.ts";
import type { BundleSource } from "./source.ts";

export function createDiskSource(path: string, limits: BundleLimits = BUNDLE_LIMITS): BundleSource {
  return {
    name: path,
    async look(seen, signal) {
      try {
        const at = await realpath(path);
        const info = await stat(at);
        // NB: reading from a pipe may wait for ever.
        if (!info.isDirectory() && !info.isFile())
          throw new AppError("invalid_bundle", "it is neither folder nor file");
        const tag = info.isDirectory() ? await folderTag(at, limits) : tagOf(info);
        if (tag === seen) return { kind: "unchanged", waits: false };
        const files = info.isDirectory()
          ? await readFolder(at, limits)
          : await readArchive(createReadStream(at), { limits, signal });
        return { kind: "found", files, tag, waits: false };
      } catch (error) {
        return { kind: "failed", reason: signal.aborted ? "timeout" : "unreadable", detail: reasonOf(error) };
      }
    },
  };
}

function tagOf({ ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [ino, size, mtimeMs, ctimeMs].join("-");
}

async function folderTag(folder: string, { entries }: BundleLimits): Promise<string> {
  const tags: string[] = [];
  let count = 0;
  const counted = () => {
    count++;
    if (count > entries) throw new AppError("invalid_bundle", `there are more than ${entries} entries`);
  };
  for await (const path of filesBelow(folder, counted))
    tags.push(`${relative(folder, path)}:${tagOf(await stat(path))}`);
  return tags.sort().join();
}
