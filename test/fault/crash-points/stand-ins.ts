/**
 * A service as users start it, joined in a few files, in which decorated ports stand where they are constructed, so that a process can be killed
 * just before or just after a commit, a publish, a mark or an answer. The services run through their own main.ts and know nothing of it: there
 * is no branch, flag or variable for tests in them. A stand-in is a module of this folder that exports what the real one exports, one
 * factory wrapped; it is typed against the real one, so a port that changes breaks the compilation here.
 */
import { symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Plugin } from "esbuild";
import { BUNDLE_MAIN, bundleSources } from "../../../scripts/bundle-packages/bundle-sources.ts";

const ROOT = join(import.meta.dirname, "../../..");

const STAND_INS = new Map(
  [
    ["platform/postgres/pool.ts", "database.ts"],
    ["platform/stream/open-stream.ts", "stream.ts"],
    ["services/decision/decision-log/spool.ts", "spool.ts"],
    ["services/decision/decision-log/spool-files.ts", "spool-files.ts"],
    ["services/decision/redemption/redeem-client.ts", "redeem-client.ts"],
    ["services/approval/notify/deliver.ts", "deliver.ts"],
  ].map(([real = "", standIn = ""]) => [join(ROOT, real), join(import.meta.dirname, standIn)]),
);

/** What replaces files asks the system by another way than everybody else. */
const REPLACING = join(ROOT, "platform/replace-file.ts");
const REPLACED = join(import.meta.dirname, "replaced-files.ts");

const standIns: Plugin = {
  name: "stand-ins",
  setup({ onResolve }) {
    onResolve({ filter: /^\..*\.ts$/ }, ({ path, resolveDir, importer }) => {
      const standIn = STAND_INS.get(resolve(resolveDir, path));
      return standIn === undefined || standIn === importer ? undefined : { path: standIn };
    });
    onResolve({ filter: /^node:fs\/promises$/ }, ({ importer }) =>
      importer === REPLACING ? { path: REPLACED } : undefined,
    );
  },
};

/** For `startSystem`: `main` from the root. Answers what is run in its place. */
export async function bundleWithStandIns(main: string, folder: string): Promise<string> {
  const writtenTo = join(folder, "programs", main.replaceAll("/", "_"));
  await bundleSources(join(ROOT, main), { writtenTo, plugins: [standIns] });
  await symlink(join(ROOT, "node_modules"), join(writtenTo, "node_modules"));
  return join(writtenTo, BUNDLE_MAIN);
}
