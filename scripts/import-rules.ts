/**
 * The import rules of the architecture over this repository, or over the folder given as argument: prints every violation
 * and exits 1 when there is one.
 */
import path from "node:path";
import { checkTree } from "./import-rules/check-tree.ts";

const root = process.argv[2] ?? path.resolve(import.meta.dirname, "..");
const violations = await checkTree(root);
for (const line of violations) process.stdout.write(`${line}\n`);
process.exitCode = violations.length === 0 ? 0 : 1;
