/**
 * The last good bundle on disk, so that a process starts from it while the source is down or offers a bad one, and still knows which one was the
 * newest. One file, replaced atomically. It is verified again when it is read: a key that is no longer trusted does not count for it either.
 */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { reasonOf } from "../../../platform/lifecycle/cannot-start.ts";
import { replaceFile } from "../../../platform/replace-file.ts";
import { type BundleFiles, BUNDLE_LIMITS, type BundleLimits } from "./bundle-files.ts";
import { readArchive } from "./read-archive.ts";
import { writeArchive } from "./write-archive.ts";

export type KeptBundle = {
  /** Undefined when there is none. @throws when it cannot be read */
  read(): Promise<BundleFiles | undefined>;
  /** Undefined: it is on disk now; else why not. Never rejects. */
  write(files: BundleFiles): Promise<string | undefined>;
};

export function createKeptBundle(folder: string, name = "last-good", limits: BundleLimits = BUNDLE_LIMITS): KeptBundle {
  const file = join(folder, `${name}.tar.gz`);
  return {
    async read() {
      const isThere = await stat(file).then(
        () => true,
        (error: unknown) => {
          if (Error.isError(error) && "code" in error && error.code === "ENOENT") return false;
          throw error;
        },
      );
      // Packed anew by us it may be a little larger than it came.
      return isThere
        ? readArchive(createReadStream(file), { limits: { ...limits, archiveBytes: limits.archiveBytes * 2 } })
        : undefined;
    },
    async write(files) {
      try {
        await replaceFile(file, await writeArchive(files));
        return undefined;
      } catch (error) {
        return reasonOf(error);
      }
    },
  };
}
