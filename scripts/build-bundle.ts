/**
 * Builds `rego/bundle` from `rego/countersign` (`--source`): checks the policies, compiles them to WebAssembly with OPA under
 * our own capabilities (what OPA knows minus what our host does not serve), and writes the manifest itself: its revision is
 * the hash of what the bundle holds, so equal contents have equal names. The cases of `self-test.json` in the source, where
 * there is one, go into the bundle, and what was built has to be activated by our own host, these cases passed, before
 * anything is written. A source that is not ours and has our route is warned of. `--out DIR` writes the bundle there and nothing else; `--check` writes nothing and exits 1 when the
 * committed bundle differs. Needs OPA.
 */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { BUILTINS_AND_NETWORK } from "../core/policy/builtins/registry.ts";
import { withRuntime } from "../core/policy/builtins/runtime.ts";
import { CANDIDATES, ENTRYPOINTS } from "../core/policy/bundle.ts";
import { INFALLIBLE, UNSEEN, WATCHED } from "../core/policy/native-builtins.ts";
import { SELF_TEST_FILE } from "../core/policy/self-test.ts";
import { AppError } from "../core/domain/app-error.ts";
import { scriptArguments } from "../platform/programs/script-arguments.ts";
import type { ParsedModule } from "./bundle/ast.ts";
import { checkInputs, findOpa, type Opa, opaOn, parsed } from "./bundle/author-opa.ts";
import { BuildFault } from "./bundle/build-fault.ts";
import { checkPolicies, exposesCandidates } from "./bundle/check-policies.ts";
import { compositionFault, withComposition } from "./bundle/composition.ts";
import { inputReads } from "./bundle/input-reads.ts";
import { unreadMetadata } from "./bundle/metadata-text.ts";
import { notBuilt } from "./bundle/not-built.ts";
import { notAsked } from "./bundle/not-asked.ts";
import { type Stage, stageOf } from "./bundle/stage.ts";
import { sampleRouteWarning } from "./bundle/sample-route.ts";
import { refusalOf } from "./bundle/try-bundle.ts";
import { runCommand } from "./tools/run-command.ts";

const root = path.resolve(import.meta.dirname, "..");
const USAGE = `npm run build-bundle -- [--source DIR] [--out DIR | --check]
  --source DIR  a copy of rego/countersign with your packages; rego/countersign itself unless given
  --out DIR     where the bundle goes; rego/bundle unless given
  --check       writes nothing, and fails when rego/bundle is not what is built`;
const { values: options } = scriptArguments(USAGE, {
  options: { check: { type: "boolean" }, source: { type: "string" }, out: { type: "string" } },
});
const OURS = path.join(root, "rego/countersign");
const source = options.source === undefined ? OURS : path.resolve(options.source);
const target = path.join(root, "rego/bundle");
const TIMEOUT_MS = 120_000;

/** Where a file of the stage came from, as its author knows it. */
function original(stage: Stage, file: string): string {
  return path.relative(root, path.join(source, path.relative(stage.source, file)));
}

/** OPA's capabilities without the built-ins that neither the module nor our host brings. */
async function capabilities(opa: Opa): Promise<string> {
  const all: unknown = JSON.parse(await opa("capabilities", "--current"));
  if (typeof all !== "object" || all === null || !("builtins" in all) || !Array.isArray(all.builtins)) {
    throw new BuildFault("OPA's capabilities are not understood");
  }
  const native = INFALLIBLE.union(WATCHED).union(UNSEEN);
  const kept = all.builtins.filter((builtin: unknown) => {
    const name = typeof builtin === "object" && builtin !== null && "name" in builtin ? builtin.name : undefined;
    return typeof name === "string" && (withRuntime(BUILTINS_AND_NETWORK).has(name) || native.has(name));
  });
  return `${JSON.stringify({ ...all, builtins: kept, allow_net: [] }, null, 1)}\n`;
}

/** By path below `rego`; undefined: what must not be there. */
type Output = ReadonlyMap<string, Uint8Array | undefined>;

async function build(opa: Opa, scratch: string): Promise<Output> {
  const stage = await stageOf(source, { root, folder: path.join(scratch, "stage") });
  const opaThere = await opaOn(stage, path.relative(root, source));
  const from = (file: string) => original(stage, file);
  const modules = await parsed(opaThere, stage.modules, from);
  const { faults, requires } = checkPolicies(modules);
  const unbuilt = notBuilt(await parsed(opaThere, stage.tests, from), stage.strange.map(from));
  const texts = stage.modules.map(async (file) =>
    unreadMetadata(from(file), await readFile(path.join(stage.folder, file), "utf8")),
  );
  const unread = (await Promise.all(texts)).flat();
  const all = [...faults, ...unread, ...notAsked(modules), ...unbuilt];
  if (all.length > 0) throw new BuildFault(all.join("\n"));
  await checkInputs(opaThere, stage, path.join(root, "rego/countersign/schema"));
  const reads = inputReads(modules, Object.values(requires).flat());
  const entrypoints = [...Object.values(ENTRYPOINTS), ...(exposesCandidates(modules) ? [CANDIDATES] : [])];
  const capabilitiesText = await capabilities(opa);
  const capabilitiesFile = path.join(scratch, "capabilities.json");
  await writeFile(capabilitiesFile, capabilitiesText);
  const archive = path.join(scratch, "built.tar.gz");
  // NB: not optimized by OPA (`-O`): for that, data that only the bundle brings (`countersign.requires`) is data that is never there, and
  // the rule about missing context is gone.
  await compose(stage, modules);
  await opaThere(
    ...["build", "--target", "wasm", "--capabilities", capabilitiesFile],
    ...entrypoints.flatMap((entrypoint) => ["--entrypoint", entrypoint]),
    ...["--output", archive, ...stage.modules],
  );
  const unpacked = await runCommand("tar", ["-xzf", archive, "-C", scratch, "/policy.wasm"], { timeoutMs: TIMEOUT_MS });
  if (unpacked.kind === "failed") throw new BuildFault(unpacked.message);
  const wasm = await readFile(path.join(scratch, "policy.wasm"));
  await WebAssembly.compile(wasm);
  const data = Buffer.from(`${JSON.stringify({ countersign: { requires } })}\n`);
  const selfTest = await readSelfTest();
  const manifest = {
    revision: revisionOf(selfTest === undefined ? [wasm, data] : [wasm, data, selfTest]),
    roots: ["countersign"],
    wasm: entrypoints.map((entrypoint) => ({ entrypoint, module: "/policy.wasm" })),
    rego_version: 1,
    metadata: { countersign: { build_check: "passed", ...(reads === undefined ? {} : { input_paths: reads }) } },
  };
  const files = new Map<string, Uint8Array>([
    ["policy.wasm", wasm],
    ["data.json", data],
    [".manifest", Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)],
  ]);
  if (selfTest !== undefined) files.set(SELF_TEST_FILE, selfTest);
  const refusal = await refusalOf(files);
  if (refusal !== undefined) throw new BuildFault(`a service would refuse what was built: ${refusal}`);
  return new Map([
    [`bundle/${SELF_TEST_FILE}`, undefined],
    ...[...files].map(([name, bytes]) => [`bundle/${name}`, bytes] as const),
    ["capabilities.json", Buffer.from(capabilitiesText)],
  ]);
}

async function compose({ folder, source: below }: Stage, modules: readonly ParsedModule[]): Promise<void> {
  const decision = path.join(folder, below, "decision.rego");
  const text = await readFile(decision, "utf8").catch(() => undefined);
  if (text === undefined) return;
  const fault = compositionFault(text);
  if (fault !== undefined) throw new BuildFault(fault);
  await writeFile(decision, withComposition(text, modules));
}

function revisionOf(parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const bytes of parts) hash.update(`${bytes.length}:`).update(bytes);
  return hash.digest("hex").slice(0, 32);
}

/** Undefined where the source brings none. */
async function readSelfTest(): Promise<Buffer | undefined> {
  return readFile(path.join(source, SELF_TEST_FILE)).catch((error: unknown) => {
    if (Error.isError(error) && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
}

async function differences(output: Output): Promise<readonly string[]> {
  const names = await Promise.all(
    [...output].map(async ([name, bytes]) => {
      const committed = await readFile(path.join(root, "rego", name)).catch(() => undefined);
      const isSame = bytes === undefined || committed === undefined ? bytes === committed : committed.equals(bytes);
      return isSame ? [] : [`rego/${name}`];
    }),
  );
  return names.flat();
}

async function writeBundle(output: Output, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of output) {
    if (name.startsWith("bundle/")) await put(path.join(folder, path.basename(name)), bytes);
  }
}

async function put(file: string, bytes: Uint8Array | undefined): Promise<void> {
  await (bytes === undefined ? rm(file, { force: true }) : writeFile(file, bytes));
}

async function main(): Promise<void> {
  const scratch = await mkdtemp(path.join(tmpdir(), "countersign-bundle-"));
  try {
    const output = await build(await findOpa(root), scratch);
    const warning = source === OURS ? undefined : await sampleRouteWarning(source, OURS);
    if (warning !== undefined) process.stderr.write(`${warning}\n`);
    if (options.out !== undefined) {
      await writeBundle(output, options.out);
      process.stdout.write(`bundle: wrote ${options.out}\n`);
      return;
    }
    const differing = await differences(output);
    if (options.check === true) {
      if (differing.length > 0) throw new BuildFault(`not up to date: ${differing.join(", ")}`);
    } else {
      await mkdir(target, { recursive: true });
      for (const [name, bytes] of output) await put(path.join(root, "rego", name), bytes);
    }
    process.stdout.write(`bundle: ${differing.length === 0 ? "up to date" : `wrote ${differing.join(", ")}`}\n`);
  } catch (error) {
    if (!(error instanceof BuildFault || error instanceof AppError)) throw error;
    process.stderr.write(`${error instanceof AppError ? error.detail : error.message}\n`);
    process.exitCode = 1;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

await main();
