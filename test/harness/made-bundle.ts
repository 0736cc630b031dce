/**
 * A policy bundle from the Rego text of a test, compiled by a real OPA with our capabilities and with the manifest that a
 * build would give it. It passes as built and checked, so it can say what no checked policy should.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { CANDIDATES, ENTRYPOINTS } from "../../core/policy/bundle.ts";
import { field, strings } from "../../scripts/bundle/ast.ts";
import { inputReads } from "../../scripts/bundle/input-reads.ts";
import { resolveTool } from "../../scripts/tools/resolve-tool.ts";
import { runCommand } from "../../scripts/tools/run-command.ts";

const capabilities = path.resolve(import.meta.dirname, "../../rego/capabilities.json");

/** For a bundle of which the decision alone is tried: the entrypoints that it has to have besides. */
export const NO_APPROVAL = "package countersign.approval\n\nroute := {}\n\nmay_review := {}\n";

/** Whether OPA is there, for `describe.skip`. */
export async function hasOpa(): Promise<boolean> {
  return (await resolveTool("opa")).kind === "found";
}

/**
 * Makes `folder` a bundle of these modules, which have to hold all entrypoints, and of `data`. Rejects with what OPA said.
 * `allBuiltins`: also those of OPA that our host does not serve. `declaresReads`: says which members of the input it reads, as a build
 * finds out; otherwise it is given all.
 */
export async function makeBundle(
  folder: string,
  modules: readonly string[],
  data: object,
  {
    allBuiltins = false,
    declaresReads = false,
  }: { readonly allBuiltins?: boolean; readonly declaresReads?: boolean } = {},
): Promise<void> {
  const opa = await resolveTool("opa");
  if (opa.kind === "missing") throw new Error(`${opa.reason}; ${opa.help}`);
  await mkdir(folder, { recursive: true });
  const files = await Promise.all(
    modules.map(async (text, at) => {
      const file = path.join(folder, `${at}.rego`);
      await writeFile(file, text);
      return file;
    }),
  );
  const archive = path.join(folder, "built.tar.gz");
  const withCandidates = modules.some((text) => /^package countersign\n[^]*^candidates\b/m.test(text));
  const entrypoints = [...Object.values(ENTRYPOINTS), ...(withCandidates ? [CANDIDATES] : [])];
  await done(opa.location, [
    ...["build", "--target", "wasm", "--output", archive],
    ...(allBuiltins ? [] : ["--capabilities", capabilities]),
    ...entrypoints.flatMap((entrypoint) => ["--entrypoint", entrypoint]),
    ...files,
  ]);
  await done("tar", ["-xzf", archive, "-C", folder, "/policy.wasm"]);
  const parsed = async (file: string) => {
    const ast: unknown = JSON.parse(await done(opa.location, ["parse", "--format", "json", file]));
    return { file, ast };
  };
  const reads = declaresReads ? inputReads(await Promise.all(files.map(parsed)), requiredIn(data)) : undefined;
  const manifest = {
    revision: "made-by-a-test",
    roots: [""],
    wasm: entrypoints.map((entrypoint) => ({ entrypoint, module: "/policy.wasm" })),
    metadata: { countersign: { build_check: "passed", ...(reads === undefined ? {} : { input_paths: reads }) } },
  };
  await writeFile(path.join(folder, ".manifest"), JSON.stringify(manifest));
  await writeFile(path.join(folder, "data.json"), JSON.stringify(data));
  await rm(archive);
}

/** Of `countersign.requires`, where the framework looks for it. */
function requiredIn(data: object): readonly string[] {
  const requires = field(field(data, "countersign"), "requires");
  return typeof requires === "object" && requires !== null ? Object.values(requires).flatMap(strings) : [];
}

async function done(command: string, args: readonly string[]): Promise<string> {
  const result = await runCommand(command, args, { timeoutMs: 60_000 });
  if (result.kind === "failed") throw new Error(result.message);
  return result.output;
}
