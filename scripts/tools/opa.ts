/**
 * OPA, for compiling policies to WASM, formatting, strict checks and Rego tests. The version is exact: the committed bundle
 * is compared byte for byte, and another compiler may write other bytes. Built from source by the Go module proxy, whose
 * checksum database verifies it.
 */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { findOnPath } from "./find-on-path.ts";
import { runCommand } from "./run-command.ts";
import type { ToolRecipe } from "./tool.ts";
import { findVersion } from "./version.ts";

const version = "1.20.2";
const module = `github.com/open-policy-agent/opa@v${version}`;

export const opa: ToolRecipe = {
  name: "opa",
  wanted: `exactly ${version}`,
  help: `put opa ${version} into PATH, or install Go 1.25 or newer (https://go.dev/dl) and run: npm run tools`,
  target: "bin/opa",
  fetchedBy: `go install ${module}`,

  onPath: () => findOnPath("opa"),
  locate: (target) => target,

  async versionOf(location) {
    const result = await runCommand(location, ["version"], { timeoutMs: 20_000 });
    return result.kind === "done" ? findVersion(/^Version: (.*)$/m.exec(result.output)?.[1] ?? "") : undefined;
  },

  serves: (candidate) => candidate === version,

  async fetch(scratch, say) {
    const bin = path.join(scratch, "bin");
    await mkdir(bin);
    say("compiling from source; about 90 s the first time");
    // NB: no C compiler is needed or wanted; trimpath keeps this machine's folders out of the binary.
    const env = { GOBIN: bin, CGO_ENABLED: "0", GOFLAGS: "-trimpath" };
    const result = await runCommand("go", ["install", module], { timeoutMs: 900_000, env });
    if (result.kind === "failed") throw new Error(result.message);
    return path.join(bin, "opa");
  },
};
