/**
 * The source as it is compiled: a copy at the same path, since modules name their files, in which links are what they lead to. Which files are
 * policy is decided here, once: what is checked, what the composition names and what is compiled is the same list. A file that one of the three
 * sees and another does not is a denial that nobody asks for.
 *
 * What OPA would read beside it is a fault: data does not come into the bundle, and a rule that looks it up would find nothing.
 */
import { cp, readdir } from "node:fs/promises";
import path from "node:path";
import { SELF_TEST_FILE } from "../../core/policy/self-test.ts";
import { BuildFault } from "./build-fault.ts";

export type Stage = {
  /** The copy stands below it. */
  readonly folder: string;
  /** Below `folder`. */
  readonly source: string;
  /** What is compiled; relative to `folder`, like all that follow, and sorted. */
  readonly modules: readonly string[];
  /** By their names: not compiled. */
  readonly tests: readonly string[];
  /** What OPA reads as data, or as modules packed up. */
  readonly strange: readonly string[];
};

/** @throws BuildFault when the source, or what a link in it leads to, cannot be read */
export async function stageOf(
  source: string,
  { root, folder }: { readonly root: string; readonly folder: string },
): Promise<Stage> {
  const below = path
    .relative(root, source)
    .split(path.sep)
    .filter((part) => part !== "..");
  const copy = path.join(folder, ...below);
  try {
    // NB: with links in it, a folder that one leads to is compiled and not read, and what is written into the copy is written into the source.
    await cp(source, copy, { recursive: true, dereference: true });
  } catch (error) {
    throw new BuildFault(`the source cannot be read: ${Error.isError(error) ? error.message : String(error)}`);
  }
  const entries = await readdir(copy, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(copy, path.join(entry.parentPath, entry.name)))
    .sort();
  const of = (kind: Kind) => files.filter((file) => kindOf(file) === kind).map((file) => path.join(...below, file));
  return { folder, source: path.join(...below), modules: of("module"), tests: of("test"), strange: of("strange") };
}

type Kind = "module" | "test" | "strange" | "beside";

/** `file`: below the source. */
function kindOf(file: string): Kind {
  if (file.endsWith("_test.rego")) return "test";
  if (file.endsWith(".rego")) return "module";
  const isRead = /\.(json|ya?ml|tar\.gz)$/.test(file);
  const folders = file.split(path.sep);
  const isNamed = file === SELF_TEST_FILE || folders.includes("schema") || folders.some((part) => part.startsWith("."));
  return isRead && !isNamed ? "strange" : "beside";
}
