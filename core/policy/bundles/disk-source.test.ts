/** A bundle on a real disk, looked at again and again: what makes it another one, and what is said while it is none. */
import { mkdir, mkdtemp, readFile, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { BUNDLE_LIMITS } from "./bundle-files.ts";
import { createDiskSource } from "./disk-source.ts";
import type { Look } from "./source.ts";
import { writeArchive } from "./write-archive.ts";

const { signal } = new AbortController();

let folder: string;
let bundle: string;
let archive: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "disk-source-"));
  bundle = join(folder, "bundle");
  archive = join(folder, "bundle.tar.gz");
  await mkdir(join(bundle, "teams"), { recursive: true });
  await writeFile(join(bundle, "policy.wasm"), "module");
  await writeFile(join(bundle, "teams/data.json"), '{"a":1}');
  await writeFile(archive, await packed("one"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const packed = (text: string) => writeArchive(new Map([["data.json", Buffer.from(text)]]));

/** Fails unless there is something new. */
function found(look: Look): { readonly tag: string | undefined; readonly files: Readonly<Record<string, string>> } {
  if (look.kind !== "found") throw new Error(`expected a bundle, not ${JSON.stringify(look)}`);
  const texts = [...look.files].map(([name, bytes]) => [name, Buffer.from(bytes).toString("utf8")]);
  return { tag: look.tag, files: Object.fromEntries(texts) };
}

/** Takes what is there, lets `change` happen, and looks again. */
async function after(path: string, change: () => Promise<unknown>): Promise<Look> {
  const source = createDiskSource(path);
  const { tag } = found(await source.look(undefined, signal));
  expect(await source.look(tag, signal)).toEqual({ kind: "unchanged", waits: false });
  await change();
  return source.look(tag, signal);
}

describe("not read", () => {
  test.each([
    ["nothing there", () => join(folder, "missing"), "there is no such file"],
    ["what is neither file nor folder", () => "/dev/null", "it is neither folder nor file"],
    ["a folder with a link in it", () => bundle, "link.json is no regular file"],
    ["an archive that is none", () => archive, "the archive is no tar.gz, or damaged"],
  ])("%s is said, without what it holds, and is no change", async (_what, path, says) => {
    await symlink("/etc/passwd", join(bundle, "link.json"));
    await writeFile(archive, "s3cret");
    const look = await createDiskSource(path()).look(undefined, signal);
    expect(look).toMatchObject({ kind: "failed", reason: "unreadable", detail: expect.stringContaining(says) });
    expect(JSON.stringify(look)).not.toContain("s3cret");
  });

  test("more entries than a bundle may have are not even counted to the end", async () => {
    const source = createDiskSource(bundle, { ...BUNDLE_LIMITS, entries: 2 });
    const look = await source.look(undefined, signal);
    expect(look).toMatchObject({ kind: "failed", detail: "there are more than 2 entries" });
  });

  test("a look that is broken off is told as that", async () => {
    const look = await createDiskSource(archive).look(undefined, AbortSignal.abort());
    expect(look).toMatchObject({ kind: "failed", reason: "timeout" });
  });
});

describe("half written", () => {
  test("an archive whose rest has not arrived is not read, and is read when it has", async () => {
    const next = await packed("two".repeat(5_000));
    const source = createDiskSource(archive);
    const { tag } = found(await source.look(undefined, signal));
    await writeFile(archive, next.subarray(0, next.length - 20));
    expect(await source.look(tag, signal)).toMatchObject({ kind: "failed", reason: "unreadable" });
    await writeFile(archive, next.subarray(next.length - 20), { flag: "a" });
    expect(found(await source.look(tag, signal)).files).toEqual({ "data.json": "two".repeat(5_000) });
  });

  test("a folder whose second file has not arrived is read as it stands, and again when it has", async () => {
    const source = createDiskSource(bundle);
    await writeFile(join(bundle, "policy.wasm"), "module two");
    const half = found(await source.look(undefined, signal));
    expect(half.files).toEqual({ "policy.wasm": "module two", "teams/data.json": '{"a":1}' });
    await writeFile(join(bundle, "teams/data.json"), '{"a":2}');
    expect(found(await source.look(half.tag, signal)).files["teams/data.json"]).toBe('{"a":2}');
  });

  test("folders that a link is pointed at in turns are never read as a mixture of both", async () => {
    for (const name of ["a", "b"]) {
      await mkdir(join(folder, name));
      for (let at = 0; at < 100; at++) await writeFile(join(folder, name, `${at}.json`), name);
    }
    const path = join(folder, "current");
    await symlink("a", path);
    const source = createDiskSource(path);
    let ended = false;
    const pointing = (async () => {
      for (let at = 0; !ended; at++) {
        await symlink(at % 2 === 0 ? "b" : "a", join(folder, "next"));
        await rename(join(folder, "next"), path);
      }
    })();
    const read = new Set<string>();
    for (let at = 0; at < 20; at++) {
      read.add([...new Set(Object.values(found(await source.look(undefined, signal)).files))].sort().join());
    }
    ended = true;
    await pointing;
    expect([...read].filter((names) => names !== "a" && names !== "b")).toEqual([]);
  });
});

describe("a change", () => {
  test.each([
    ["the same name, size and time in another file", () => replaceAlike(join(bundle, "policy.wasm"), "MODULE")],
    ["another text of the same length", () => writeFile(join(bundle, "policy.wasm"), "MODULE")],
    ["a file deep in it", () => writeFile(join(bundle, "teams/data.json"), '{"a":2}')],
    ["a file more", () => writeFile(join(bundle, "self-test.json"), "{}")],
    ["a file less", () => rm(join(bundle, "teams/data.json"))],
    ["a file of another name", () => rename(join(bundle, "policy.wasm"), join(bundle, "policy.old"))],
  ])("of a folder: %s", async (_what, change) => {
    found(await after(bundle, change));
  });

  test.each([
    ["replaced by renaming", async () => replaceAlike(archive, await packed("two"))],
    ["written over", async () => writeFile(archive, await packed("two"))],
  ])("of an archive: %s", async (_what, change) => {
    expect(found(await after(archive, change)).files).toEqual({ "data.json": "two" });
  });

  test("is none where the same is still there, nor where it was away and is back", async () => {
    const away = join(folder, "away");
    const source = createDiskSource(bundle);
    const { tag } = found(await source.look(undefined, signal));
    await rename(bundle, away);
    expect(await source.look(tag, signal)).toMatchObject({ kind: "failed" });
    await rename(away, bundle);
    expect(await source.look(tag, signal)).toEqual({ kind: "unchanged", waits: false });
    expect(await readFile(join(bundle, "policy.wasm"), "utf8")).toBe("module");
  });
});

/** As `mv` brings a file that was made elsewhere, here with the time of the one before. */
async function replaceAlike(file: string, content: string | Uint8Array): Promise<void> {
  const { atime, mtime } = await stat(file);
  await writeFile(join(folder, "new"), content);
  await utimes(join(folder, "new"), atime, mtime);
  await rename(join(folder, "new"), file);
}
