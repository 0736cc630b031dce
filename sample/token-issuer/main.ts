/** The development token issuer as a process: `ISSUER_KEY_FOLDER=DIR node sample/token-issuer/main.ts [--config FILE]`. */
import { systemClock, uuidv7 } from "../../platform/clock.ts";
import { sayInstead } from "../../platform/config/command-line.ts";
import { run } from "../../platform/lifecycle/lifecycle.ts";
import { createLog } from "../../platform/log/log.ts";
import { readConfig } from "./config.ts";
import { startTokenIssuer } from "./server.ts";
import { signingKeyIn } from "./signing-key.ts";

const started = await readConfig(process.argv.slice(2));
if (started.kind === "exit") process.exit(sayInstead(started));
const { keyFolder, accounts, issuer: givenIssuer, ...options } = started.config;
const log = createLog({ name: "issuer" });
process.exit(
  await run({ log }, { drainDeadlineMs: 5_000, source: process }, async (lifecycle) => {
    const key = await signingKeyIn(keyFolder);
    const deps = { key, accounts, now: systemClock.wallMs, newId: () => uuidv7() };
    const { port, issuer } = lifecycle.own(await startTokenIssuer(deps, { ...options, issuer: givenIssuer }));
    const users = accounts.map(({ user }) => user);
    log.info({ event: "started", host: options.host, port, issuer, users }, "token issuer listens");
    log.warn(
      { event: "development_only" },
      "THIS ISSUER IS FOR DEVELOPMENT ONLY: it asks for no password and gives anybody a token for anybody. " +
        "Never configure it as an issuer of anything that matters.",
    );
  }),
);
