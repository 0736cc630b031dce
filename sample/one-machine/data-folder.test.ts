import { spawn } from "node:child_process";
import { once } from "node:events";
import { chown, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { lockDataFolder, openDataFolder } from "./data-folder.ts";

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "data-folder-"));
});
afterEach(() => rm(place, { recursive: true, force: true }));

test("a folder that cannot be made is refused in one line that says what to set, rather than tried for ever", async () => {
  await writeFile(join(place, "file"), "");
  for (const path of ["/proc/countersign/data", join(place, "file"), join(place, "file/data")]) {
    await expect(openDataFolder(path)).rejects.toThrow(
      new RegExp(`^${path} cannot be the data folder \\(.*\\); set COUNTERSIGN_DATA to one that you may write$`),
    );
  }
});

test("one that is not there is made with those above it, and nobody else can list it or read a secret", async () => {
  const path = join(place, "a/b/data");
  const first = await openDataFolder(path);
  expect((await stat(path)).mode & 0o777).toBe(0o711);
  expect((await stat(join(path, "keys"))).mode & 0o777).toBe(0o700);
  expect((await stat(first.approvalKey.privatePath)).mode & 0o777).toBe(0o600);
  expect(await openDataFolder(path)).toEqual(first);
});

test("an end while a secret is written leaves none, and one that is spoilt is named", async () => {
  const path = join(place, "data");
  const first = await openDataFolder(path);
  await writeFile(join(path, "keys/service-token.1.new"), ""); // where such an end left off
  expect(await openDataFolder(path)).toEqual(first);
  await writeFile(join(path, "keys/service-token"), "");
  await expect(openDataFolder(path)).rejects.toThrow(`${path}/keys/service-token is empty; remove it`);
  await writeFile(first.approvalKey.privatePath, "");
  await expect(openDataFolder(path)).rejects.toThrow(`${first.approvalKey.privatePath} holds no private key in PEM`);
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;
asRoot("a folder that another user began is refused by the number of that user", async () => {
  const path = join(place, "data");
  await openDataFolder(path);
  await chown(join(path, "keys"), 12_345, 12_345);
  await expect(openDataFolder(path)).rejects.toThrow(
    `${path} belongs to the user with the number 12345; start as that user, or choose another folder (COUNTERSIGN_DATA)`,
  );
});

const onLinux = process.platform === "linux" ? test : test.skip;

onLinux("a folder that somebody holds is refused, under any name, and not when they have let go", async () => {
  const path = join(place, "data");
  await mkdir(path);
  await symlink(path, join(place, "link"));
  const first = await lockDataFolder(path);
  await expect(lockDataFolder(join(place, "link"))).rejects.toThrow("is in use by another process");
  await using _other = await lockDataFolder(place);
  await first[Symbol.asyncDispose]();
  await using _again = await lockDataFolder(path);
});

onLinux("who holds it by a process that is killed holds it no longer", async () => {
  const module = join(import.meta.dirname, "data-folder.ts");
  const hold = `const { lockDataFolder } = await import(${JSON.stringify(module)});
    await lockDataFolder(${JSON.stringify(place)}); console.log("held"); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", hold], { stdio: ["ignore", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  await expect(lockDataFolder(place)).rejects.toThrow(`is in use by another process (${holder.pid}); stop it`);
  holder.kill("SIGSTOP");
  await expect(lockDataFolder(place)).rejects.toThrow("is in use by another process; stop it");
  holder.kill("SIGKILL");
  await once(holder, "exit");
  await using _again = await lockDataFolder(place);
});
