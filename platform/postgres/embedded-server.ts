/** The programs of an embedded PostgreSQL: one that makes the files of a server, and the server. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chown, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { RunUser } from "./embedded-folders.ts";

/** Makes the files of a server where there are none. Rejects with the signal's reason. */
export async function makeCluster(
  cluster: string,
  { binaries, user, signal }: { binaries: string; user: RunUser; signal: AbortSignal | undefined },
): Promise<void> {
  signal?.throwIfAborted();
  if (await exists(join(cluster, "PG_VERSION"))) return;
  // Made aside and renamed, so that a cluster that is there is a whole one, and two starts at once make one.
  const fresh = `${cluster}.${process.pid}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  if (user.uid !== undefined) await chown(fresh, user.uid, user.gid);
  const child = spawn(
    join(binaries, "bin", "initdb"),
    [
      "-D",
      fresh,
      "-U",
      "postgres",
      "--auth=trust",
      "-E",
      "UTF8",
      "--locale=C",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
      "--no-instructions",
    ],
    // A group of its own: Ctrl-C in a terminal reaches us alone.
    { ...user.spawn, cwd: fresh, stdio: ["ignore", "ignore", "pipe"], detached: true },
  );
  // It removes what it has made.
  const giveUp = () => child.kill("SIGINT");
  signal?.addEventListener("abort", giveUp);
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const [code] = await once(child, "close");
  signal?.removeEventListener("abort", giveUp);
  if (signal?.aborted) {
    await rm(fresh, { recursive: true, force: true });
    throw signal.reason;
  }
  if (code !== 0) throw new Error(`initdb failed: ${complaint.trim()}`);
  try {
    await rename(fresh, cluster);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (!(await exists(join(cluster, "PG_VERSION")))) throw error;
  }
}

/** What it says goes to `postgres.log` in `root`. It ends at once when another server has the files. */
export async function spawnServer(
  root: string,
  server: {
    cluster: string;
    binaries: string;
    connection: { readonly host: string; readonly port: number };
    user: RunUser;
    settings: Readonly<Record<string, string>>;
  },
): Promise<ChildProcess> {
  const settings = {
    listen_addresses: "",
    port: String(server.connection.port),
    unix_socket_directories: server.connection.host,
    unix_socket_permissions: "0700",
    max_connections: "100",
    ...server.settings,
    fsync: "on",
  };
  const log = await open(join(root, "postgres.log"), "a", 0o600);
  try {
    const child = spawn(
      join(server.binaries, "bin", "postgres"),
      ["-D", server.cluster, ...Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`])],
      // A group of its own: Ctrl-C in a terminal reaches us, and we stop the server when its users have finished.
      { ...server.user.spawn, cwd: server.cluster, stdio: ["ignore", log.fd, log.fd], detached: true },
    );
    child.on("error", () => {});
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await using _ = await open(path);
    return true;
  } catch {
    return false;
  }
}
