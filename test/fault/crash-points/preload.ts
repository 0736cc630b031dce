/**
 * Preloaded into the services of a test: puts decorated ports where they are constructed, so that a process can be killed just before or
 * just after a commit, a publish, a mark or an answer. The services run through their own main.ts and know nothing of it: there is no
 * branch, flag or variable for tests in them. A stand-in is a module of this folder that exports what the real one exports, one
 * factory wrapped; it is typed against the real one, so a port that changes breaks the compilation here.
 */
import { registerHooks } from "node:module";

const root = new URL("../../../", import.meta.url);
const STAND_INS = new Map(
  [
    ["platform/postgres/pool.ts", "database.ts"],
    ["platform/stream/open-stream.ts", "stream.ts"],
    ["services/decision/decision-log/spool.ts", "spool.ts"],
    ["services/decision/decision-log/spool-files.ts", "spool-files.ts"],
    ["services/decision/redemption/redeem-client.ts", "redeem-client.ts"],
    ["services/approval/notify/deliver.ts", "deliver.ts"],
  ].map(([real = "", standIn = ""]) => [new URL(real, root).href, new URL(standIn, import.meta.url).href]),
);

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const standIn = STAND_INS.get(found.url);
    return standIn === undefined || standIn === context.parentURL ? found : { ...found, url: standIn };
  },
});
