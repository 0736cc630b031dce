/**
 * A copy of our own code beside links to what is installed, for tests that damage what a checkout keeps for its next start: that of the checkout
 * itself is met by whoever starts something meanwhile.
 */
import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const OURS = [
  "core",
  "enforcers",
  "platform",
  "proto",
  "rego",
  "sample",
  "scripts",
  "services",
  "package.json",
  "tsconfig.json",
];

export type CheckoutCopy = AsyncDisposable & {
  /** Its root. */
  readonly root: string;
  /** What Node says on standard output, in it; it has to end well and to say nothing else. */
  run(...args: readonly string[]): string;
  /** What an expression is whose modules are imported from the copy, as JSON tells it. `from` is the file, `./platform/…`. */
  valueOf(from: string, names: readonly string[], expression: string): unknown;
};

export async function copyCheckout(): Promise<CheckoutCopy> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "checkout-")));
  for (const name of OURS) await cp(join(ROOT, name), join(root, name), { recursive: true, preserveTimestamps: true });
  const installed = join(ROOT, "node_modules");
  await mkdir(join(root, "node_modules"));
  for (const name of await readdir(installed)) {
    if (name !== ".cache") await symlink(join(installed, name), join(root, "node_modules", name));
  }

  function run(...args: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
    if (status !== 0 || stderr !== "") throw new Error(`node ${args.join(" ")} ended with ${status}: ${stderr}`);
    return stdout;
  }
  return {
    root,
    run,
    valueOf: (from, names, expression) =>
      JSON.parse(
        run(
          "--input-type=module",
          "-e",
          `const { ${names.join(", ")} } = await import("${from}"); console.log(JSON.stringify(${expression}));`,
        ),
      ),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}
