/** A PostgreSQL server of the system's own, with the tables of the approval service, that can be killed and started again on its data. */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../../platform/postgres/embedded.ts";
import { migrate } from "../../../services/approval/store/migrate.ts";

export interface SystemDatabase extends AsyncDisposable {
  /** Stays the same over restarts. */
  readonly connectionString: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** SIGKILL to the server: what was committed is on disk, everything else is lost. */
  kill(): Promise<void>;
}

export async function startDatabase(): Promise<SystemDatabase> {
  // A folder of its own: as root the server runs as somebody else, who has to pass through it, and the system's other files are not his.
  const folder = await mkdtemp(join(tmpdir(), "system-postgres-"));
  await chmod(folder, 0o711);
  let server: EmbeddedPostgres | undefined;

  const remove = () => rm(folder, { recursive: true, force: true });
  const start = async () => {
    server ??= await startEmbeddedPostgres({ dataDir: folder });
    return server;
  };
  const stop = async () => {
    const running = server;
    server = undefined;
    await running?.stop();
  };
  try {
    const connectionString = (await start()).connectionString();
    await migrate(connectionString);
    return {
      connectionString,
      async start() {
        await start();
      },
      stop,
      async kill() {
        if (server !== undefined) process.kill(server.pid, "SIGKILL");
        await stop();
      },
      async [Symbol.asyncDispose]() {
        await stop();
        await remove();
      },
    };
  } catch (error) {
    await stop();
    await remove();
    throw error;
  }
}
