/** Programs as processes: what the harness promises of ending, coming back, and saying why something did not start. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { freePort } from "../free-port.ts";
import { createProgram } from "./program.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "program-"));
});
afterAll(async () => {
  delete process.env["ORDERS_MISSPELT"];
  await rm(folder, { recursive: true, force: true });
});

async function orders(name: string, config: object = {}, where = folder) {
  const port = await freePort();
  const readyUrl = `http://127.0.0.1:${port}/healthz`;
  const program = createProgram({
    name,
    main: "sample/orders-api/main.ts",
    config: { listen: { port }, ...config },
    readyUrl,
    folder: where,
  });
  return { program, readyUrl };
}

test("one that ends at start says why, and is not running", async () => {
  const { program } = await orders("refused", { colour: "blue" });
  await expect(program.start()).rejects.toThrow(/refused ended with 78 at start.*colour: is not a key/s);
  expect(program.isRunning()).toBe(false);
  expect(await program.stop()).toBe(78);
});

test("stopped it ends by itself, killed it is gone, and each time it comes back on its port with its log kept", async () => {
  process.env["ORDERS_MISSPELT"] = "would refuse to start if it were passed on";
  const { program, readyUrl } = await orders("orders");
  await using _ = program;
  await program.start();
  await expect(program.start()).rejects.toThrow("running already");
  expect(await program.stop()).toBe(0);
  await program.start();
  program.freeze();
  await program.kill();
  expect(program.isRunning()).toBe(false);
  await expect(fetch(readyUrl)).rejects.toThrow("fetch failed");
  await program.start();
  expect((await fetch(readyUrl)).status).toBe(200);
  expect((await program.log()).match(/orders API listens/g)).toHaveLength(3);
});

test("a frozen one is stopped all the same", async () => {
  const { program } = await orders("frozen");
  await program.start();
  program.freeze();
  expect(await program.stop()).toBe(0);
});

test("an end that comes while it is being made ends it too, and the start says so", async () => {
  const { program } = await orders("hasty");
  const started = program.start();
  const ended = program.stop();
  await expect(started).rejects.toThrow("hasty ended with");
  await ended;
  expect(program.isRunning()).toBe(false);
});

test("what it said stays for the search at the end of the run, all of it, when its folder is gone and it was killed", async () => {
  const before = process.env["TEST_LOGS"];
  const kept = await mkdtemp(join(tmpdir(), "kept-"));
  process.env["TEST_LOGS"] = kept;
  const own = await mkdtemp(join(tmpdir(), "program-"));
  try {
    const { program } = await orders("kept", {}, own);
    for (const end of [() => program.stop(), () => program.kill()]) {
      await program.start();
      await end();
    }
    await rm(own, { recursive: true });
    const [name = "", ...more] = await readdir(kept);
    expect(more).toEqual([]);
    expect(name).toMatch(/^program\.test\.ts\..*\.kept\.log$/);
    expect((await readFile(join(kept, name), "utf8")).match(/"event":"started"/g)).toHaveLength(2);
  } finally {
    if (before === undefined) delete process.env["TEST_LOGS"];
    else process.env["TEST_LOGS"] = before;
    await rm(kept, { recursive: true, force: true });
  }
});
