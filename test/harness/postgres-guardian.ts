/**
 * Keeps one embedded Postgres running for one test run, for all its worker processes: `postgres-guardian.ts FOLDER PID`. A process of its
 * own, so that the server ends with the run however the run ends (also by kill -9). Writes `ready` or `failed` into the folder.
 */
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startEmbeddedPostgres } from "../../platform/postgres/embedded.ts";

const [folder, pid] = process.argv.slice(2);
if (folder === undefined || pid === undefined) throw new Error("usage: postgres-guardian.ts FOLDER PID");

function runs(): boolean {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
}

try {
  await using server = await startEmbeddedPostgres({
    dataDir: folder,
    // Many small databases and clones; nothing here has to survive a power cut, but fsync stays on to measure what users get.
    settings: { max_connections: "300", checkpoint_timeout: "30min" },
  });
  await writeFile(join(folder, "ready.new"), server.connectionString());
  await rename(join(folder, "ready.new"), join(folder, "ready"));
  while (runs() && !server.lost.aborted) await sleep(500);
} catch (error) {
  await writeFile(join(folder, "failed"), String(error));
  while (runs()) await sleep(500);
}
await rm(folder, { recursive: true, force: true });
