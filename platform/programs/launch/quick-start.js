/**
 * Loaded before everything else by whoever starts a program (scripts/on-node-24.sh, platform/programs/program.ts), so that it starts quickly: what
 * Node compiles, and TypeScript without its types, is kept for the next start; packages come from a few files in place of some 1,500
 * (bundled-packages.js), and the program's own sources too (bundled-programs.js), where those have been made and nothing has changed since. Nothing
 * else is different. Plain JavaScript, since only what is loaded after it is kept.
 */
import { realpathSync } from "node:fs";
import module from "node:module";
import { join } from "node:path";
import process from "node:process";
import { CACHE, findBundledPackages, isCacheOurs, ROOT } from "./bundled-packages.js";
import { findBundledProgram } from "./bundled-programs.js";

if (isCacheOurs()) module.enableCompileCache(CACHE); // does nothing where the folder cannot be written

/** What whoever starts a program loads before it: an option with `=`, or with the next argument. */
const LOADS = /^(?:--import|--require|-r|--loader|--experimental-loader)(?:=(.*))?$/s;
const OURS = ["scripts/needs-node-24.js", "platform/programs/launch/quick-start.js", "platform/programs/leash.ts"];

function isOurs(file) {
  try {
    return OURS.some((one) => join(ROOT, one) === realpathSync(file));
  } catch {
    return false;
  }
}

/** NB: whoever loads something else may mean single modules of the program, as tests do that put others in their place: its sources run. */
function isLoadedAlone() {
  return process.execArgv.every((argument, index, all) => {
    const found = LOADS.exec(argument);
    return found === null || isOurs(found[1] ?? all[index + 1]);
  });
}

const packages = findBundledPackages();
const [, main] = process.argv;
const program = main !== undefined && isLoadedAlone() ? findBundledProgram(main) : undefined;
// An error goes on naming the line of the source.
if (program !== undefined) module.setSourceMapsSupport(true, { nodeModules: true });
if (packages !== undefined || program !== undefined) {
  module.registerHooks({
    resolve(specifier, context, next) {
      const parent = context.parentURL;
      if (parent === undefined) return specifier === program?.source ? program.bundle : next(specifier, context);
      const isBundled = program !== undefined && parent.startsWith(program.folder);
      // What packages ask for is beside them, and what they were bundled with is in there.
      if (parent.includes("/node_modules/") && !isBundled) return next(specifier, context);
      // Our own files are named as they are, and none is a link, so that there is nothing to look for.
      if (specifier.startsWith(".") && specifier.endsWith(".ts")) {
        return { url: new URL(specifier, parent).href, format: "module-typescript", shortCircuit: true };
      }
      return packages?.get(specifier) ?? next(specifier, context);
    },
  });
}
