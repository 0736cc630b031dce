/**
 * Compiles the policy of a case with the real compiler, as the migration guide says, and keeps the bundle under the hash
 * of what went into it. Where the path leads into the value of a rule, the entrypoint is the rule.
 */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { runCommand } from "../../tools/run-command.ts";
import type { PluginCase } from "./read-cases.ts";

const timeoutMs = 60_000;

export type Compiler = { readonly location: string; readonly version: string };

/** The path of the bundle. Rejects when the policy does not compile at any entrypoint on the path. */
export async function buildPolicy(opa: Compiler, policy: PluginCase["policy"], queryPath: string): Promise<string> {
  const cache = path.join(tmpdir(), `countersign-conformance-envoy-${opa.version}`);
  await mkdir(cache, { recursive: true });
  const hash = createHash("sha256")
    .update(JSON.stringify([policy, queryPath]))
    .digest("hex");
  const bundle = path.join(cache, `${hash}.tar.gz`);
  if ((await readFile(bundle).catch(() => undefined)) !== undefined) return bundle;
  const scratch = await mkdtemp(path.join(cache, "build-"));
  try {
    const folder = path.join(scratch, "policy");
    for (const file of policy) {
      await mkdir(path.dirname(path.join(folder, file.path)), { recursive: true });
      await writeFile(path.join(folder, file.path), file.text);
    }
    await compile(opa.location, folder, queryPath, path.join(scratch, "bundle.tar.gz"));
    await rename(path.join(scratch, "bundle.tar.gz"), bundle);
  } finally {
    await rm(scratch, { recursive: true });
  }
  return bundle;
}

async function compile(opa: string, folder: string, queryPath: string, output: string): Promise<void> {
  const parts = queryPath.split("/").filter((part) => part !== "");
  let message = "no path";
  for (let length = parts.length; length > 0; length--) {
    const entrypoint = parts.slice(0, length).join("/");
    const result = await runCommand(opa, ["build", "-t", "wasm", "-e", entrypoint, "-o", output, "."], {
      timeoutMs,
      cwd: folder,
      env: { GOGC: "off" },
    });
    if (result.kind === "done") return;
    message = result.message;
  }
  throw new Error(`a policy does not compile at ${queryPath}: ${message}`);
}
