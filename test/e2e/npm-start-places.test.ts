/**
 * `npm start` in other places: as an ordinary user, on a database that exists, and interrupted.
 */
import { spawn } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { isReachable, runUser } from "../../platform/postgres/embedded-folders.ts";
import { as, type Started, startAsPerson } from "../harness/npm-start.ts";
import { createTestDatabase } from "../harness/postgres.ts";
import { processesWith } from "../harness/processes-with.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
/** Root plays an ordinary user, who has to get at the project. */
const canBeOrdinary = !isRoot || (await isReachable(join(import.meta.dirname, "../.."), runUser()));

/** Listed as skipped, with what it needs, where it cannot be shown. */
const asOrdinary = canBeOrdinary ? test : test.skip;
const unless = (isPossible: boolean, needs: string) => (isPossible ? "" : ` (needs ${needs})`);

let folder: string;
let started: Started | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "npm-start-"));
  await chmod(folder, 0o711);
});
afterEach(async () => {
  started?.child.kill("SIGINT");
  await started?.ended;
  started = undefined;
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

function start(env: Readonly<Record<string, string>>, uid?: number): Started {
  started = startAsPerson({ cwd: folder, env, ...(uid === undefined ? {} : { uid }) });
  return started;
}

async function readsAnOrder(set: Started): Promise<void> {
  expect((await (await as("dana", set)).proxy("GET", "/orders/42")).status).toBe(200);
}

describe("npm start", () => {
  asOrdinary(
    `works for an ordinary user, whose files nobody else may read${unless(canBeOrdinary, "another user than root, or a project that everybody may enter")}`,
    async () => {
      const data = join(folder, "of-a-user");
      await mkdir(data, { mode: 0o700 });
      if (isRoot) await chown(data, NOBODY, NOBODY);
      const set = start({ COUNTERSIGN_DATA: data }, isRoot ? NOBODY : undefined);
      await set.ready();
      await readsAnOrder(set);
      const owners = await Promise.all(
        [data, join(data, "keys"), join(data, "postgres", "cluster")].map((one) => stat(one)),
      );
      const owner = isRoot ? NOBODY : process.getuid?.();
      expect(owners.map(({ uid, mode }) => ({ uid, others: mode & 0o077 }))).toEqual(
        owners.map(() => ({ uid: owner, others: 0 })),
      );
      set.child.kill("SIGINT");
      expect(await set.ended).toBe(0);
    },
    120_000,
  );

  test("with DATABASE_URL there is no server of our own", async () => {
    await using database = await createTestDatabase();
    const data = join(folder, "elsewhere");
    const set = start({ COUNTERSIGN_DATA: data, DATABASE_URL: database.connectionString });
    await set.ready();
    await readsAnOrder(set);
    expect(await stat(join(data, "postgres")).catch(() => undefined)).toBeUndefined();
    set.child.kill("SIGINT");
    expect(await set.ended).toBe(0);
  }, 180_000);

  test("Ctrl-C while it starts is no failure, leaves no process, and does not hinder the next start", async () => {
    const data = join(folder, "interrupted");
    const hasty = start({ COUNTERSIGN_DATA: data });
    await waitUntil("the issuer to be ready", 60_000, () => hasty.said().includes("✓ issuer"));
    hasty.child.kill("SIGINT");
    expect(await hasty.ended).toBe(0);
    expect(hasty.said()).not.toContain("Ready");
    expect(await processesWith(data)).toEqual([]);
    const next = start({ COUNTERSIGN_DATA: data });
    await next.ready();
    await readsAnOrder(next);
  }, 180_000);

  test("whoever stops reading what it says does not end it", async () => {
    const data = join(folder, "unheard");
    const set = start({ COUNTERSIGN_DATA: data });
    set.child.stdout?.destroy();
    const log = join(data, "gateway.log");
    await waitUntil("the gateway to have started", 90_000, async () => {
      return (await readFile(log, "utf8").catch(() => "")).includes("started");
    });
    set.child.kill("SIGINT");
    expect(await set.ended).toBe(0);
  }, 120_000);

  test("a database that cannot be started is told in one line, and ends the start, whatever else is being made", async () => {
    const data = join(folder, "no-database");
    await mkdir(data, { mode: 0o711 });
    await writeFile(join(data, "postgres"), "not a folder");
    const set = start({ COUNTERSIGN_DATA: data });
    expect(await set.ended).toBe(1);
    // A port of ours that somebody else has is a note, and no matter here.
    const [, ...said] = set
      .said()
      .trimEnd()
      .split("\n")
      .filter((line) => !line.startsWith("       ! "));
    expect(said).toEqual([expect.stringMatching(/^the database of \S+no-database \(COUNTERSIGN_DATA\): EEXIST: /)]);
    expect(await processesWith(data)).toEqual([]);
  }, 60_000);

  test("an argument is refused rather than passed over", async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "../../sample/start.ts"), "--port=1"]);
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(2);
  });
});
