/**
 * `npm run migrate -- --config FILE`: brings the database to the version of this code and says what ran. The same configuration as the
 * service's, since that is whose database it is; only DATABASE_URL may name a user with more rights, who owns the tables. Run it before
 * the new version starts (migrations expand, so the old version goes on meanwhile, unless CHANGELOG.md says otherwise of one). It may run twice, also at once: the second one waits
 * and finds nothing to do. Exit 0 when the database is up to date, 78 when the configuration has to be changed or the database is ahead
 * of this code, 1 when it could not be reached or a migration failed; then nothing of it is done, since all run in one transaction.
 */
import { sayInstead } from "../../platform/config/command-line.ts";
import { CannotStart } from "../../platform/lifecycle/cannot-start.ts";
import { createLog } from "../../platform/log/log.ts";
import { withDatabase } from "../../platform/postgres/cannot-reach.ts";
import { createDatabase } from "../../platform/postgres/pool.ts";
import { readConfig } from "./config.ts";
import { migrate, requireNotAhead } from "./store/migrate.ts";

async function bringUpToDate(url: string): Promise<string> {
  const log = createLog({ name: "migrate", level: "silent" });
  await using database = createDatabase({ log }, { connection: url, applicationName: "countersign-migrate" });
  const newest = await requireNotAhead(database);
  const ran = await migrate(url);
  return ran.length === 0
    ? `nothing to do: the database is at ${newest}`
    : [...ran.map((name) => `ran ${name}`), `the database is up to date, at ${newest}`].join("\n");
}

const started = await readConfig(process.argv.slice(2));
if (started.kind === "exit") process.exit(sayInstead(started));
const { url } = started.config.database;
try {
  const said = await withDatabase("database.url (DATABASE_URL)", url, () => bringUpToDate(url));
  process.stdout.write(`${said}\n`);
} catch (error) {
  const why =
    error instanceof CannotStart ? error.message : `a migration failed, nothing of it is done: ${String(error)}`;
  process.stderr.write(`cannot migrate: ${why}\n`);
  process.exitCode = error instanceof CannotStart ? error.exitCode : 1;
}
