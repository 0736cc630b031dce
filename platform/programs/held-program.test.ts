/** A program that is started before what it needs is there. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { freePort } from "../../test/harness/free-port.ts";
import { createProgram } from "./program.ts";
import { waitUntil } from "./wait-until.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "held-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function orders() {
  const port = await freePort();
  const main = "sample/orders-api/main.ts";
  const readyUrl = `http://127.0.0.1:${port}/healthz`;
  return createProgram({ name: "orders", main, config: { listen: { port } }, readyUrl, folder });
}

test("it runs nothing before it is let go, then becomes ready, and reads its configuration again without waiting", async () => {
  await using program = await orders();
  const { promise: here, resolve } = Promise.withResolvers<void>();
  let isReady = false;
  const starting = program.start(here).then(() => {
    isReady = true;
  });
  await waitUntil("it to wait for descriptor 3", 50_000, () => isWaiting(program.pid()));
  expect({ isReady, runs: program.isRunning(), log: await program.log() }).toEqual({ isReady, runs: true, log: "" });
  resolve();
  await starting;
  expect(await program.log()).toContain('"event":"started"');
  expect(await program.stop()).toBe(0);
});

test("what it waits for does not come: it ends with whoever holds it, and has done nothing", async () => {
  await using program = await orders();
  const starting = program.start(Promise.reject(new Error("no database")));
  await expect(starting).rejects.toThrow("no database");
  await program.kill();
  expect({ runs: program.isRunning(), log: await program.log() }).toEqual({ runs: false, log: "" });
});

/** Whether its event loop is told of descriptor 3. */
async function isWaiting(pid: number | undefined): Promise<boolean> {
  const folder = `/proc/${pid}/fdinfo`;
  const all = (await readdir(folder).catch(() => [])).map((fd) => readFile(join(folder, fd), "utf8").catch(() => ""));
  return (await Promise.all(all)).some((text) => /^tfd:\s+3\s/m.test(text));
}
