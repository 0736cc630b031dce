/**
 * What makes a start quick (platform/programs/launch/quick-start.js) is made at the first start, and after a change, beside the database: programs
 * wait for it, since they would take longer without, and what Node keeps of them at their end is of use only to the same files.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { findBundledPackages, isCacheOurs, ROOT } from "../../platform/programs/launch/bundled-packages.js";
import { findBundledProgram } from "../../platform/programs/launch/bundled-programs.js";
import { PROGRAMS } from "../../scripts/bundle-packages/programs.ts";
import type { Said } from "./set.ts";

const SCRIPT = join(ROOT, "scripts/bundle-for-start.ts");
/** It takes a second or two. Who waits longer than this starts without. */
const PATIENCE_MS = 60_000;

/**
 * Resolves when all is there, or cannot be made: then programs run from their sources and packages as they are. Never rejects. `signal` gives it
 * up, without a word.
 */
export async function bundleForStart(
  { say }: { readonly say: (said: Said) => void },
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const isThere = (main: string) => findBundledProgram(join(ROOT, main)) !== undefined;
  if (!isCacheOurs() || (findBundledPackages() !== undefined && PROGRAMS.every(isThere))) return;
  say({ kind: "starting", what: "bundles", detail: "" });
  const limits = { timeout: PATIENCE_MS, signal, killSignal: "SIGKILL" } as const;
  const child = spawn(process.execPath, [SCRIPT], { stdio: "ignore", ...limits });
  const code = await new Promise<number | null>((done) => {
    child.once("error", () => done(null));
    child.once("exit", done);
  });
  if (signal.aborted) return;
  if (code === 0)
    say({ kind: "ready", what: "bundles", detail: "of sources and packages, for this start and the next ones" });
  else {
    const why = child.killed ? `take longer than ${PATIENCE_MS / 1_000} s to make` : "cannot be made";
    say({ kind: "note", what: "bundles", detail: `${why}; everything works as well, and starts slower` });
  }
}
