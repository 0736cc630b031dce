import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { makeFolder } from "./make-folder.ts";

const onLinux = process.platform === "linux" ? test : test.skip;

onLinux("a place where no folder can be made is an error, and not a wait without end", () => {
  expect(() => makeFolder("/proc/countersign")).toThrow("ENOENT");
  expect(() => makeFolder("/proc/countersign/below")).toThrow("ENOENT");
});

test("folders are made with those above them, for their owner; one that is there is left as it is, and a file is none", async () => {
  const root = await mkdtemp(join(tmpdir(), "make-folder-"));
  try {
    const path = join(root, "a", "b");
    makeFolder(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    makeFolder(path);
    await writeFile(join(path, "file"), "");
    expect(() => makeFolder(join(path, "file"))).toThrow("EEXIST");
    expect(() => makeFolder(join(path, "file", "below"))).toThrow("ENOTDIR");
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
