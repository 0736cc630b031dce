/**
 * `npm start` in other places: as an ordinary user, as root where PostgreSQL's user cannot go, on a database that exists, and interrupted.
 * It prints how long a start takes and how much memory the set does.
 */
import { execFile, spawn } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { isReachable, runUser } from "../../platform/postgres/embedded-folders.ts";
import { say } from "../fault/say.ts";
import { as, type Started, startAsPerson } from "../harness/npm-start.ts";
import { createTestDatabase } from "../harness/postgres.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

const NOBODY = 65534;
/** From the call to the end of what is said, on two cores; a second one takes one when nothing else runs. */
const READY_SECONDS = { first: 10, second: 5 };
const isRoot = process.getuid?.() === 0;
/** Root plays an ordinary user, unless the project lies where only root may go. */
const ordinary = isRoot && (await isReachable(join(import.meta.dirname, "../.."), runUser())) ? NOBODY : undefined;

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
  const who = isRoot && ordinary === undefined ? "root" : "an ordinary user";
  test(`a first and a second start of ${who}: quick, and in less than 700 MB`, async () => {
    const measure = async (name: string, data: string) => {
      const set = start({ COUNTERSIGN_DATA: data }, ordinary);
      const seconds = (await set.ready()) / 1_000;
      await readsAnOrder(set);
      const [, said, megabytes] = /Ready after ([\d.]+) s\n[^]* (\d+) MB in all/.exec(set.said()) ?? [];
      say(`npm start, ${name}: ready ${seconds.toFixed(1)} s after it was called (it says ${said} s), ${megabytes} MB`);
      set.child.kill("SIGINT");
      expect(await set.ended).toBe(0);
      expect(Number(megabytes)).toBeGreaterThan(100);
      expect(Number(megabytes)).toBeLessThan(700);
      return seconds;
    };
    const data = join(folder, "of-a-user");
    await mkdir(data, { mode: 0o700 });
    if (ordinary !== undefined) await chown(data, ordinary, ordinary);
    const first = await measure("first", data);
    const second = await measure("second", data);
    expect(first).toBeLessThan(READY_SECONDS.first);
    expect(second).toBeLessThan(READY_SECONDS.second);
    expect(second).toBeLessThan(first);
  }, 240_000);

  // Only root has this trouble, so that only root can show it.
  if (isRoot) {
    test("as root in a folder that nobody else may enter: PostgreSQL has a closed folder of its own, named and found again", async () => {
      const data = join(folder, "private", "data");
      await mkdir(join(folder, "private"), { mode: 0o700 });
      const first = start({ COUNTERSIGN_DATA: data });
      await first.ready();
      const place = (await readFile(join(data, "postgres-location"), "utf8")).trim();
      try {
        expect(place.startsWith(folder)).toBe(false);
        expect(first.said()).toMatch(new RegExp(`database +${place}`));
        const { mode, uid } = await stat(place);
        expect({ mode: mode & 0o777, uid }).toEqual({ mode: 0o700, uid: NOBODY });
        await readsAnOrder(first);
        first.child.kill("SIGKILL");
        await first.ended;
        const again = start({ COUNTERSIGN_DATA: data });
        await again.ready();
        expect(again.said()).toMatch(new RegExp(`database +${place}`));
        again.child.kill("SIGINT");
        expect(await again.ended).toBe(0);
      } finally {
        await rm(place, { recursive: true, force: true });
      }
    }, 240_000);
  }

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
    expect((await processes()).filter((line) => line.includes(data))).toEqual([]);
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

  test("an argument is refused rather than passed over", async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "../../sample/start.ts"), "--port=1"]);
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(2);
  });
});

async function processes(): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "args="], { maxBuffer: 16 * 1024 * 1024 });
  return stdout.split("\n");
}
