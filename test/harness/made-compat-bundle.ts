/** A policy that was written for opa-envoy-plugin, built by a real OPA as its owner would build it: a tar.gz. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveTool } from "../../scripts/tools/resolve-tool.ts";
import { runCommand } from "../../scripts/tools/run-command.ts";

export const COMPAT_PATH = "envoy/authz/allow";

/** Rejects with what OPA said. */
export async function makeCompatBundle(
  archive: string,
  rego: string,
  {
    entrypoint = COMPAT_PATH,
    revision = "",
    data = {},
  }: { readonly entrypoint?: string; readonly revision?: string; readonly data?: object } = {},
): Promise<void> {
  const opa = await resolveTool("opa");
  if (opa.kind === "missing") throw new Error(`${opa.reason}; ${opa.help}`);
  const folder = await mkdtemp(join(tmpdir(), "made-compat-"));
  try {
    await writeFile(join(folder, "policy.rego"), rego);
    await writeFile(join(folder, "data.json"), JSON.stringify(data));
    const files = ["policy.rego", "data.json"];
    const args = ["build", "-t", "wasm", "-e", entrypoint, "--revision", revision, "-o", archive, ...files];
    const built = await runCommand(opa.location, args, { timeoutMs: 60_000, cwd: folder });
    if (built.kind === "failed") throw new Error(built.message);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
