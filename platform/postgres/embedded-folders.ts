/**
 * Which user runs the embedded Postgres, and which folders that user can reach. As root the server runs as `nobody` (65534): PostgreSQL refuses
 * root, and an id without a name fails ("could not look up effective user").
 */
import { createHash } from "node:crypto";
import { chown, lstat, mkdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, parse } from "node:path";

/** `uid` is undefined when the server runs as we do. `spawn` goes into the options of a child process. */
export type RunUser =
  | { readonly uid: undefined; readonly gid: undefined; readonly spawn: Readonly<Record<never, never>> }
  | { readonly uid: number; readonly gid: number; readonly spawn: { readonly uid: number; readonly gid: number } };

const NOBODY = 65534;
/** sockaddr_un holds 107 bytes; PostgreSQL adds its file name. */
const MAX_SOCKET_FOLDER = 107 - "/.s.PGSQL.5432.lock".length;

export function runUser(): RunUser {
  if (process.getuid?.() !== 0) return { uid: undefined, gid: undefined, spawn: {} };
  return { uid: NOBODY, gid: NOBODY, spawn: { uid: NOBODY, gid: NOBODY } };
}

/** Whether the run user may pass through every folder above `path` and read and enter `path` itself. */
export async function isReachable(path: string, user: RunUser): Promise<boolean> {
  if (user.uid === undefined) return true;
  if (!(await allows(path, 0o5, user.uid))) return false;
  return isEnterable(dirname(path), user);
}

/** Whether the run user may pass through `folder` and every one above it. */
export async function isEnterable(folder: string, user: RunUser): Promise<boolean> {
  if (user.uid === undefined) return true;
  for (let at = folder; ; at = dirname(at)) {
    if (!(await allows(at, 0o1, user.uid))) return false;
    if (at === parse(at).root) return true;
  }
}

async function allows(path: string, bits: number, uid: number): Promise<boolean> {
  const { mode, uid: ownerUid, gid } = await stat(path);
  const shift = ownerUid === uid ? 6 : gid === uid ? 3 : 0;
  return ((mode >> shift) & bits) === bits;
}

export async function requireEnterable(folder: string, user: RunUser): Promise<void> {
  if (await isEnterable(folder, user)) return;
  throw new Error(
    `${folder} cannot be entered by user ${user.uid}, as whom PostgreSQL runs because it refuses root. ` +
      "Start as an ordinary user, choose a data folder outside private folders, or set DATABASE_URL to a server of your own.",
  );
}

/**
 * The 0700 folder of the socket: in the data folder, or, when that path is too long for a socket, in the system's temporary folder under a
 * name made from it (so that a later start finds the same). NB: a name that can be foreseen may have been taken; ours must be a real folder
 * of the run user that nobody else may enter.
 */
export async function socketFolder(root: string, user: RunUser): Promise<string> {
  const near = join(root, "socket");
  const hash = createHash("sha256").update(root).digest("hex").slice(0, 16);
  const folder = Buffer.byteLength(near) <= MAX_SOCKET_FOLDER ? near : join(tmpdir(), `postgres-${hash}`);
  const made = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (made !== undefined && user.uid !== undefined) await chown(folder, user.uid, user.gid);
  const found = await lstat(folder);
  const owner = user.uid ?? process.getuid?.();
  if (!found.isDirectory() || found.uid !== owner || (found.mode & 0o077) !== 0) {
    throw new Error(`${folder} is not a private folder of user ${owner}; remove it`);
  }
  return folder;
}
