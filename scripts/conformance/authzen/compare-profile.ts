/**
 * Whether our copy of the Access Request profile's table (profile-requirements.ts) is the table: the same ids, whose each is, and its key word. Its
 * rows are requirements in words, with nothing to send; each has a test that names it (test/conformance/access-request-profile), and a copy that
 * had lost one would hide that it has none.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { CaseOutcome, Say } from "../case-outcome.ts";
import { REQUIREMENTS } from "./profile-requirements.ts";

const FILE = "access-request-profile.json";
const schema = Compile(
  Type.Array(Type.Object({ id: Type.String(), role: Type.String(), level: Type.String(), requirement: Type.String() })),
);

/** One outcome for the whole table; none without the file. @throws Error when the file is no such table */
export async function compareProfile(directory: string, note: Say): Promise<readonly CaseOutcome[]> {
  let text: string;
  try {
    text = await readFile(path.join(directory, FILE), "utf8");
  } catch {
    note(`no ${FILE}: our copy of its rows was compared with nothing`);
    return [];
  }
  const rows: unknown = JSON.parse(text);
  if (!schema.Check(rows)) throw new Error(`${FILE}: ${schema.Errors(rows)[0]?.instancePath ?? ""} is not understood`);
  note(`${FILE}: ${rows.length} rows in words, compared with our copy of them; their tests: npm test -- -t arap-`);
  const differences = differencesBetween(rows, REQUIREMENTS);
  if (differences.length === 0) return [{ kind: "passed", id: FILE }];
  return [{ kind: "missed", id: FILE, want: "the rows of profile-requirements.ts", got: differences.join("; ") }];
}

type Row = { readonly id: string; readonly role: string; readonly level: string };

/** In words; a row that stands twice in the table is one too. */
export function differencesBetween(
  table: readonly Row[],
  copy: Readonly<Record<string, readonly [role: string, level: string]>>,
): readonly string[] {
  const differences: string[] = [];
  const missing = new Map(Object.entries(copy));
  const seen = new Set<string>();
  for (const { id, role, level } of table) {
    const known = missing.get(id);
    if (seen.has(id)) differences.push(`${id} stands there twice`);
    else if (known === undefined) differences.push(`${id} (${role}, ${level}) is not in the copy`);
    else if (known.join() !== [role, level].join())
      differences.push(`${id} is ${role}, ${level}, not ${known.join(", ")}`);
    seen.add(id);
    missing.delete(id);
  }
  return [...differences, ...[...missing.keys()].map((id) => `${id} is in the copy alone`)];
}
