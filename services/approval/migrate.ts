/**
 * `npm run migrate -- --config FILE`: brings the database to the version of this code and says what ran. It uses the service's configuration;
 * only DATABASE_URL may name another user with more rights, who owns the tables. Run it before the new version starts (migrations expand, so
 * processes of the old version that run go on meanwhile, unless CHANGELOG.md says otherwise for one of them; one that ends does not start again, on a
 * database that is ahead of it: docs/upgrade.md). It may run twice, also concurrently: the second run waits
 * and finds nothing to do. Exit code 0 if the database is up to date, 78 if the configuration has to be changed or the database is ahead of this
 * code, 1 if the database could not be reached or a migration failed; then nothing of it was done, since all run in one transaction.
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
