/**
 * Schemathesis, which calls a live REST server with whatever its OpenAPI document allows and forbids. It lives in a folder of its own with
 * all that it needs, every version pinned in `schemathesis.requirements.txt`; nothing is installed into the Python of the machine.
 */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { runCommand } from "./run-command.ts";
import type { ToolRecipe } from "./tool.ts";
import { findVersion } from "./version.ts";

const pinned = "4.32.5";
const requirements = path.join(import.meta.dirname, "schemathesis.requirements.txt");

const START = `#!/bin/sh
PYTHONPATH="$(dirname "$(readlink -f "$0")")" exec python3 -m schemathesis.cli "$@"
`;

export const schemathesis: ToolRecipe = {
  name: "schemathesis",
  wanted: pinned,
  help: "install Python 3.10 or newer with pip (Debian: python3-pip) and run: npm run tools",
  target: "schemathesis",
  fetchedBy: `pip install schemathesis==${pinned}`,

  // Another one would be of other versions, and find other things.
  onPath: async () => [],
  locate: (target) => path.join(target, "run"),

  async versionOf(location) {
    const result = await runCommand(location, ["--version"], { timeoutMs: 60_000 });
    return result.kind === "done" ? findVersion(/version (\S+)/.exec(result.output)?.[1] ?? "") : undefined;
  },

  serves: (candidate) => candidate === pinned,

  async fetch(scratch, say) {
    say("downloading, about 40 MB");
    const folder = path.join(scratch, "tool");
    // Not a virtual environment: that names its own path, and this folder is moved to where it stays.
    const args = [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--no-deps",
      "--only-binary=:all:",
      "--target",
      folder,
      "-r",
      requirements,
    ];
    const result = await runCommand("python3", args, { timeoutMs: 600_000, cwd: scratch });
    if (result.kind === "failed") throw new Error(result.message);
    await writeFile(path.join(folder, "run"), START, { mode: 0o755 });
    return folder;
  },
};
