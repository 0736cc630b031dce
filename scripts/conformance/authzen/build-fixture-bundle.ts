/** A bundle of the committed composition, the fixture's policy in place of ours, and the fixture as its data. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { CANDIDATES, ENTRYPOINTS } from "../../../core/policy/bundle.ts";
import { runCommand } from "../../tools/run-command.ts";

const timeoutMs = 120_000;

/** Makes `folder` the bundle. Rejects with what OPA said. */
export async function buildFixtureBundle(root: string, opa: string, fixture: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const rego = path.join(root, "rego");
  const entrypoints = [...Object.values(ENTRYPOINTS), CANDIDATES];
  const sources = ["decision.rego", "approval/route.rego", "approval/may_review.rego", "lib"].map((name) =>
    path.join(rego, "countersign", name),
  );
  const archive = path.join(folder, "built.tar.gz");
  await done(opa, [
    ...["build", "--target", "wasm", "--capabilities", path.join(rego, "capabilities.json"), "--ignore", "*_test.rego"],
    ...entrypoints.flatMap((entrypoint) => ["--entrypoint", entrypoint]),
    ...["--output", archive, ...sources],
    ...["policy.rego", "candidates.rego"].map((name) => path.join(import.meta.dirname, name)),
  ]);
  await done("tar", ["-xzf", archive, "-C", folder, "/policy.wasm"]);
  const manifest = {
    revision: "authzen-fixture",
    roots: [""],
    wasm: entrypoints.map((entrypoint) => ({ entrypoint, module: "/policy.wasm" })),
    metadata: { countersign: { build_check: "passed" } },
  };
  await writeFile(path.join(folder, ".manifest"), JSON.stringify(manifest));
  const data = { fixture: JSON.parse(await readFile(fixture, "utf8")), countersign: { requires: {} } };
  await writeFile(path.join(folder, "data.json"), JSON.stringify(data));
}

async function done(command: string, args: readonly string[]): Promise<void> {
  const result = await runCommand(command, args, { timeoutMs });
  if (result.kind === "failed") throw new Error(result.message);
}
