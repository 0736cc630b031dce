/**
 * Whether a source that was copied from ours still asks whom the sample asks. NB: the build cannot know who ought to approve, and a bundle with
 * the sample's route is sound: everything that the packages want approved is then approved by the group `managers`.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";

const ROUTE = "approval/route.rego";

/** A line for the author, or undefined. Only a copy to the byte is known; a route elsewhere, or changed at all, is the author's own. */
export async function sampleRouteWarning(source: string, ours: string): Promise<string | undefined> {
  const [theirs, sample] = await Promise.all(
    [source, ours].map((folder) => readFile(path.join(folder, ROUTE)).catch(() => undefined)),
  );
  if (theirs === undefined || sample === undefined || !theirs.equals(sample)) return undefined;
  return `warning: ${ROUTE} is still the sample's: whatever your packages want approved, anybody in the group "managers" can approve; approvers_hint decides nothing. Write your own route (docs/policy-guide.md, Who approves)`;
}
