/**
 * Compiles each case by `opa build -t wasm`, as many at once as the machine has processors, and keeps the bundle under the
 * hash of everything that goes into it, in the temp directory of the system. A case that does not compile although its
 * file says so ends the run: it is no miss of ours.
 */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import tar from "tar-stream";
import { runCommand } from "../../tools/run-command.ts";
import type { OpaCase } from "./read-cases.ts";

export type CompiledCase = { readonly test: OpaCase; readonly wasm: Uint8Array };

const timeoutMs = 60_000;

export async function compileCases(opa: string, version: string, tests: readonly OpaCase[]): Promise<CompiledCase[]> {
  const cache = path.join(tmpdir(), `countersign-conformance-opa-${version}`);
  await mkdir(cache, { recursive: true });
  const compiled: CompiledCase[] = [];
  const building = new Map<string, Promise<Uint8Array>>();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < tests.length; at = next++) {
      const test = tests[at];
      if (test === undefined) return;
      const key = createHash("sha256")
        .update(JSON.stringify([test.modules, test.entrypoint]))
        .digest("hex");
      const wasm = building.get(key) ?? compiledModule(opa, cache, key, test);
      building.set(key, wasm);
      compiled[at] = { test, wasm: await wasm };
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return compiled;
}

async function compiledModule(opa: string, cache: string, key: string, test: OpaCase): Promise<Uint8Array> {
  const bundle = path.join(cache, `${key}.tar.gz`);
  const kept = await readFile(bundle).catch(() => undefined);
  if (kept !== undefined) return moduleOf(kept);
  const scratch = await mkdtemp(path.join(cache, "build-"));
  try {
    await writeModules(scratch, test);
    const output = path.join(scratch, "bundle.tar.gz");
    const args = ["build", "-t", "wasm", "-e", test.entrypoint, "-o", output, path.join(scratch, "modules")];
    // The compiler lives for milliseconds: collecting garbage would cost more than it frees.
    const result = await runCommand(opa, args, { timeoutMs, env: { GOGC: "off" } });
    if (result.kind === "failed") throw new Error(`${test.id} does not compile: ${result.message}`);
    await rename(output, bundle);
  } finally {
    await rm(scratch, { recursive: true });
  }
  return moduleOf(await readFile(bundle));
}

async function writeModules(scratch: string, test: OpaCase): Promise<void> {
  const folder = path.join(scratch, "modules");
  await mkdir(folder);
  for (const [index, text] of test.modules.entries()) await writeFile(path.join(folder, `m${index}.rego`), text);
}

async function moduleOf(bundle: Uint8Array): Promise<Uint8Array> {
  const extract = Readable.from([bundle]).pipe(createGunzip()).pipe(tar.extract());
  let found: Uint8Array | undefined;
  for await (const entry of extract) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk);
    if (entry.header.name === "/policy.wasm") found = Buffer.concat(chunks);
  }
  if (found === undefined) throw new Error("the compiled bundle holds no policy.wasm");
  return found;
}
