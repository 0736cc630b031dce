/** The last good bundle on disk: a start begins with it, and nothing that happens to the disk or the process makes it another one. */
import { randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createKeptBundle } from "../../../core/policy/bundles/kept-bundle.ts";
import { verifySignature } from "../../../core/policy/bundles/signature.ts";
import { writeArchive } from "../../../core/policy/bundles/write-archive.ts";
import { changed } from "../../harness/signed-bundle.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { seeded } from "../../fault/seeded.ts";
import { say } from "../../fault/say.ts";
import { startNodeProcess } from "../../harness/node-process.ts";
import { allows, type Keeping, sample, signedAt, startKeeping, trust } from "./keeping.ts";

const KEPT = "last-good.tar.gz";
const keptNames = () => readdir(keeping.keptFolder).catch((): string[] => []);
const KILLS = 12;
/** About what the writer takes for one bundle. */
const WITHIN_MS = 60;

let keeping: Keeping;
beforeEach(async () => {
  keeping = await startKeeping();
});
afterEach(async () => {
  await keeping[Symbol.asyncDispose]();
});

test("a start with the server down begins with the last good bundle, which still knows what is older", async () => {
  keeping.server.serve(await signedAt("one", 10), '"1"');
  const first = await keeping.keep();
  await waitUntil("one", 30_000, () => first.host.revision() === "one");
  await waitUntil(
    "it to be kept",
    30_000,
    async () => (await readdir(keeping.keptFolder)).join() === "last-good.tar.gz",
  );
  await first.keeper[Symbol.asyncDispose]();

  keeping.server.answer((response) => void response.socket?.destroy());
  const { keeper, host } = await keeping.keep();
  expect(keeper.status().active).toMatchObject({ revision: "one", from: "kept" });
  expect(allows(host)).toBe(true);
  keeping.server.serve(await signedAt("older", 20), '"0"');
  await waitUntil("the refusal", 30_000, () => keeper.status().refused?.reason === "replayed");
  expect(host.revision()).toBe("one");
});

test("what was changed on disk meanwhile is refused, and the server's is taken", async () => {
  keeping.server.serve(await signedAt("one", 10), '"1"');
  await (await keeping.keep()).keeper[Symbol.asyncDispose]();
  const file = join(keeping.keptFolder, "last-good.tar.gz");
  for (const content of [(await readFile(file)).subarray(0, 500), await writeArchive(changed(sample, "planted"))]) {
    await writeFile(file, content);
    const { keeper, host, events } = await keeping.keep();
    expect(host.revision()).toBe("one");
    expect(events[0]).toMatchObject({ kind: "bundle_refused", from: "kept" });
    await keeper[Symbol.asyncDispose]();
  }
});

test("a process that is killed while it writes leaves one of its bundles whole, and what it left does not add up", async () => {
  const chance = seeded();
  say(`seed ${chance.seed}`);
  // What does not compress, so that a write is long enough to be hit.
  const filled = (name: string) => ({ "notes.txt": Buffer.concat([Buffer.from(name), randomBytes(900_000)]) });
  const archives = await Promise.all(
    ["one", "two"].map(async (name) => {
      const archive = join(keeping.folder, `${name}.tar.gz`);
      await writeFile(archive, await signedAt(name, 10, filled(name)));
      return archive;
    }),
  );
  let leftovers = 0;
  let left: readonly string[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    await using writer = startNodeProcess(join(import.meta.dirname, "keep-forever.ts"), [
      keeping.keptFolder,
      ...archives,
    ]);
    await waitUntil(
      "a first bundle",
      30_000,
      async () => writer.lines.length > 0 && (await keptNames()).includes(KEPT),
    );
    // Anywhere, and in turn while the next one is being written.
    if (kill % 2 === 0) await setTimeout(chance.below(WITHIN_MS));
    else
      await waitUntil(
        "a write",
        10_000,
        async () => (await keptNames()).some((name) => name !== KEPT && !left.includes(name)),
        { everyMs: 0 },
      );
    await writer.kill();
    expect(writer.lines).toEqual(["begins"]);
    const files = await createKeptBundle(keeping.keptFolder).read();
    expect(await verifySignature(files ?? new Map(), trust)).toMatchObject({ kind: "verified" });
    const names = await keptNames();
    left = names;
    expect(names.length).toBeLessThanOrEqual(kill + 2);
    leftovers += names.length - 1;
  }
  say(`${leftovers} leftovers of ${KILLS} processes that were killed`);
  expect(leftovers).toBeGreaterThan(0);

  keeping.server.answer((response) => void response.socket?.destroy());
  const { keeper, host } = await keeping.keep();
  expect(keeper.status().active).toMatchObject({ from: "kept", revision: expect.stringMatching(/^(one|two)$/) });
  expect(allows(host)).toBe(true);
  keeping.server.serve(await signedAt("three"), '"3"');
  await waitUntil("the next one", 30_000, () => host.revision() === "three");
  await waitUntil("only the last good one to be there", 30_000, async () => (await keptNames()).join() === KEPT);
}, 400_000);
