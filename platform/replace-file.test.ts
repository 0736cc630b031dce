/** What cannot be replaced stays as it was; what killed processes left behind goes. That a kill leaves one of both whole: test/fault/crash-points. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { replaceFile } from "./replace-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "replace-file-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a file whose scratch cannot be written stays as it was, and whoever writes hears of it", async () => {
  const path = join(folder, "kept");
  await replaceFile(path, "old");
  await mkdir(`${path}.${process.pid}`);
  await expect(replaceFile(path, "new")).rejects.toMatchObject({ code: "EISDIR" });
  expect(await readFile(path, "utf8")).toBe("old");
});

test("what a killed process left of this file goes, of another one nothing", async () => {
  const path = join(folder, "below", "kept");
  await replaceFile(path, "old");
  await writeFile(`${path}.1`, "ne");
  await writeFile(`${path}-too.1`, "another's");
  await replaceFile(path, Buffer.from("new"));
  expect(await readFile(path, "utf8")).toBe("new");
  expect((await readdir(join(folder, "below"))).sort()).toEqual(["kept", "kept-too.1"]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});
