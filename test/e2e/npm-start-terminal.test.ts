/**
 * What a terminal sends to `npm start`: not to one process but to the whole group in front, npm and what npm runs, at once; npm then passes its own
 * on, so that ours comes twice. It ends as after one, whenever it came, and nothing hinders the next start.
 */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { as, type Started, startAsPerson } from "../harness/npm-start.ts";
import { isGroupThere, processesWith } from "../harness/processes-with.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

const GONE_MS = 60_000;

let folder: string;
const groups = new Set<number>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "npm-start-"));
  await chmod(folder, 0o711); // as root PostgreSQL runs as somebody else, who has to pass
});
afterAll(async () => {
  for (const group of groups) if (isGroupThere(group)) process.kill(-group, "SIGINT");
  await waitUntil("every process to end", GONE_MS, async () => !(await isSomethingLeft()));
  await rm(folder, { recursive: true, force: true });
}, 60_000);

function start(): Started & { readonly group: number } {
  const set = startAsPerson({ cwd: folder, env: { COUNTERSIGN_DATA: join(folder, "data") }, byNpm: true });
  const group = set.child.pid ?? Number.NaN;
  groups.add(group);
  return { ...set, group };
}

/** Of npm, of what it runs, of the programs, or of PostgreSQL, which are in groups of their own. */
async function isSomethingLeft(): Promise<boolean> {
  return [...groups].some(isGroupThere) || (await processesWith(folder)).length > 0;
}

function expectCalm(said: string): void {
  expect(said).not.toMatch(/^\s+at \S/m); // of a stack
  expect(said).not.toMatch(/\berror\b|\bSIG[A-Z]+/);
}

async function readsAnOrder(set: Started): Promise<void> {
  expect((await (await as("dana", set)).proxy("GET", "/orders/42")).status).toBe(200);
}

describe("npm start in a terminal", () => {
  test("Ctrl-C, once or by somebody who cannot wait, ends npm and all that it runs in good order, and the next start works", async () => {
    for (const isImpatient of [false, true]) {
      const set = start();
      await set.ready();
      expect(set.said()).not.toContain("(was running)");
      await readsAnOrder(set);
      const press = () => isGroupThere(set.group) && process.kill(-set.group, "SIGINT");
      press();
      if (isImpatient) {
        press();
        await waitUntil("it to say that it stops", GONE_MS, () => set.said().includes("Stopping …"));
        press();
      }
      expect(await set.ended).toBe(0);
      expect(await isSomethingLeft()).toBe(false);
      expect(set.said()).toMatch(/\nStopping …\s*$/);
      expectCalm(set.said());
    }
  }, 180_000);

  test("Ctrl-C while it starts is no failure, and the next start works", async () => {
    const hasty = start();
    await waitUntil("the issuer to be ready", 60_000, () => hasty.said().includes("✓ issuer"));
    process.kill(-hasty.group, "SIGINT");
    expect(await hasty.ended).toBe(0);
    expect(hasty.said()).not.toContain("Ready");
    expectCalm(hasty.said());
    expect(await isSomethingLeft()).toBe(false);
  }, 120_000);

  test("a terminal that is closed leaves nothing behind", async () => {
    const set = start();
    await set.ready();
    set.child.stdout?.destroy();
    set.child.stderr?.destroy();
    process.kill(-set.group, "SIGHUP");
    await waitUntil("every process to end", GONE_MS, async () => !(await isSomethingLeft()), { everyMs: 100 });

    const next = start();
    await next.ready();
    expect(next.said()).not.toContain("(was running)");
    await readsAnOrder(next);
    process.kill(-next.group, "SIGINT");
    expect(await next.ended).toBe(0);
    expect(await isSomethingLeft()).toBe(false);
  }, 180_000);
});
