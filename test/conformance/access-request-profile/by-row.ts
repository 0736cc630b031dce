import type { RequirementId } from "../../../scripts/conformance/authzen/profile-requirements.ts";

/** The reason of each row. @throws Error when a row has two */
export function byRow(reasons: Readonly<Record<string, readonly RequirementId[]>>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [reason, ids] of Object.entries(reasons)) {
    for (const id of ids) {
      if (found.has(id)) throw new Error(`${id} has two reasons`);
      found.set(id, reason);
    }
  }
  return found;
}
