/**
 * Writes `rego/countersign/schema/*.json` from the TypeBox schemas in core/policy/schema: for policy authors, and for
 * `opa check --strict --schema rego/countersign/schema`. `--check` writes nothing and exits 1 when a file differs.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { DecisionInput, MayReviewInput, RouteInput } from "../core/policy/schema/input.ts";
import {
  CandidatesResult,
  DecisionResult,
  MayReviewResult,
  RouteDecided,
  RouteToReviewers,
} from "../core/policy/schema/result.ts";

const folder = path.resolve(import.meta.dirname, "../rego/countersign/schema");

const SCHEMAS: Readonly<Record<string, object>> = {
  "input.json": DecisionInput,
  "decision.json": DecisionResult,
  "candidates.json": CandidatesResult,
  "route_input.json": RouteInput,
  "route.json": { anyOf: [RouteToReviewers, RouteDecided] },
  "may_review_input.json": MayReviewInput,
  "may_review.json": MayReviewResult,
};

const check = process.argv.includes("--check");
const differing: string[] = [];
await mkdir(folder, { recursive: true });
for (const [name, schema] of Object.entries(SCHEMAS)) {
  const text = `${JSON.stringify({ $schema: "http://json-schema.org/draft-07/schema#", ...schema }, null, 2)}\n`;
  const file = path.join(folder, name);
  const committed = await readFile(file, "utf8").catch(() => "");
  if (committed === text) continue;
  differing.push(name);
  if (!check) await writeFile(file, text);
}
const stale = differing.map((name) => `rego/countersign/schema/${name}`).join(", ");
if (check && differing.length > 0) {
  process.stderr.write(`not up to date: ${stale}\n`);
  process.exitCode = 1;
} else process.stdout.write(`rego schema: ${differing.length === 0 ? "up to date" : `wrote ${stale}`}\n`);
