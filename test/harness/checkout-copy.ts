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

/** `within`: a folder to make it in, not the system's temporary one. `own`: packages that are copied as well, not linked. */
export async function copyCheckout({
  within = tmpdir(),
  own = [],
}: {
  readonly within?: string;
  readonly own?: readonly string[];
} = {}): Promise<CheckoutCopy> {
  const root = await realpath(await mkdtemp(join(within, "checkout-")));
  for (const name of OURS) await cp(join(ROOT, name), join(root, name), { recursive: true, preserveTimestamps: true });
  const installed = join(ROOT, "node_modules");
  await mkdir(join(root, "node_modules"));
  for (const name of await readdir(installed)) {
    const [from, to] = [join(installed, name), join(root, "node_modules", name)];
    if (own.includes(name)) await cp(from, to, { recursive: true, verbatimSymlinks: true });
    else if (name !== ".cache") await symlink(from, to);
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
