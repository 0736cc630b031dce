/**
 * Loaded before everything else by on-node-24.sh: what Node compiles, and TypeScript without its types, is kept for the next
 * start. Plain JavaScript, and apart, since only what is loaded after it is kept. Where the folder cannot be written nothing is.
 */
import module from "node:module";
import { join } from "node:path";

module.enableCompileCache(join(import.meta.dirname, "../node_modules/.cache/countersign"));
