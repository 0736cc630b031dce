/**
 * The committed list of known misses of one kind: `test/conformance/<kind>-known-misses.json`, an object of case id, or of
 * a cause that many cases share, → reason. A kind without a file has none. A known miss that passes is an error: a list
 * nobody prunes would hide the next fault. An entry that no case of the folder bears is none, since folders differ.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import type { CaseOutcome } from "./case-outcome.ts";

const KnownMisses = Type.Record(Type.String(), Type.String({ minLength: 10 }));
const schema = Compile(KnownMisses);

export async function readKnownMisses(root: string, kind: string): Promise<ReadonlyMap<string, string>> {
  const file = path.join(root, "test/conformance", `${kind}-known-misses.json`);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "{}";
    throw error;
  });
  const value: unknown = JSON.parse(text);
  if (!schema.Check(value)) throw new Error(`${file} must be an object of case id to reason (10 characters at least)`);
  const known: Static<typeof KnownMisses> = value;
  return new Map(Object.entries(known));
}

export type Score = {
  readonly passed: readonly string[];
  readonly failed: readonly Extract<CaseOutcome, { kind: "missed" }>[];
  /** Missed as the list says. */
  readonly known: readonly { readonly id: string; readonly reason: string }[];
  /** Faults of the list itself; each counts as a failure. */
  readonly listFaults: readonly string[];
};

export function score(outcomes: readonly CaseOutcome[], known: ReadonlyMap<string, string>): Score {
  const passed: string[] = [];
  const failed: Extract<CaseOutcome, { kind: "missed" }>[] = [];
  const missed: { id: string; reason: string }[] = [];
  const listFaults: string[] = [];
  const seen = new Set<string>();
  for (const outcome of outcomes) {
    if (seen.has(outcome.id)) listFaults.push(`${outcome.id}: two cases bear this id`);
    seen.add(outcome.id);
    const cause = outcome.kind === "missed" ? (outcome.cause ?? "") : "";
    const reason = known.get(outcome.id) ?? known.get(cause);
    if (outcome.kind === "passed" && reason === undefined) passed.push(outcome.id);
    else if (outcome.kind === "passed") listFaults.push(`${outcome.id}: is listed as a known miss but passes`);
    else if (reason === undefined) failed.push(outcome);
    else missed.push({ id: outcome.id, reason });
  }
  return { passed, failed, known: missed, listFaults };
}
