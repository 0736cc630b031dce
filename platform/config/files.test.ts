import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Type } from "typebox";
import { FileOrFolderPath, FilePath, FilesById, NeededFilePath, unreadableFiles } from "./files.ts";

const schema = Type.Object({
  tls: Type.Object({ certPath: FilePath("A certificate."), host: Type.String() }),
  signing: Type.Object({ keyPath: NeededFilePath("A key.") }),
  trustedKeys: FilesById("Keys."),
  issuers: Type.Array(Type.Object({ jwks_file: FilePath("Keys."), name: Type.String() })),
  bundle: FileOrFolderPath("A bundle."),
});

let folder: string;
let there: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "files-"));
  there = join(folder, "there");
  await writeFile(there, "hunter2");
});
afterAll(() => rm(folder, { recursive: true }));

const config = (path: string) => ({
  tls: { certPath: path, host: "absent" },
  signing: { keyPath: path },
  trustedKeys: { "key.1": path },
  issuers: [
    { name: "absent", jwks_file: there },
    { name: "absent", jwks_file: path },
  ],
});

test("each file that is not there is named with its key, in sections, maps and lists, and nothing else is taken for one", async () => {
  const absent = join(folder, "absent");
  expect(await unreadableFiles(schema, { ...config(absent), bundle: absent })).toEqual(
    ["tls.certPath", "signing.keyPath", "trustedKeys.key.1", "issuers.1.jwks_file", "bundle"].map(
      (key) => `${key}: ${absent}: there is no such file`,
    ),
  );
});

test("a folder is no file, except where one will do", async () => {
  const lines = await unreadableFiles(schema, { ...config(folder), bundle: folder });
  expect(lines).toContain(`signing.keyPath: ${folder}: it is a folder`);
  expect(lines.filter((line) => line.startsWith("bundle"))).toEqual([]);
});

test("a file that this user may not read is named", async () => {
  const locked = join(folder, "locked");
  await writeFile(locked, "hunter2");
  await chmod(locked, 0);
  const lines = await unreadableFiles(schema, config(locked));
  // NB: the superuser may read it all the same.
  if (process.getuid?.() === 0) expect(lines).toEqual([]);
  else expect(lines).toContain(`signing.keyPath: ${locked}: this user may not read or write it`);
});

test("files that are there are not named, nor those that are left out", async () => {
  expect(await unreadableFiles(schema, { ...config(there), tls: { host: "h" } })).toEqual([]);
});
