/** Rows that no test names, and why: what they ask of is not here, or is done in another way that the draft leaves open. */
import type { RequirementId } from "../../../scripts/conformance/authzen/profile-requirements.ts";

/**
 * Of enforcers. Ours (Envoy, the gateway) speak ext_authz and hold to what its answers say. What holds of an enforcer whatever it speaks is shown of both
 * with real decisions: test/e2e/gateway.test.ts. The rest is about what ours have no part in:
 */
const SUBMITS = "no enforcer of ours submits: the requester does, with a token of their own (docs/authzen.md)";
const POLLS = "no enforcer of ours looks at tasks: the requester does, and the enforcer asks anew at every call";
const READS = "no enforcer of ours reads AuthZEN's answers: an allow or a denial of ext_authz is all it is told";
const CATALOGS = "no enforcer of ours reads catalogs or request schemas, and none are offered (arap-9-2-1)";
const CALLBACKS = "no enforcer of ours takes callbacks, and none are made (arap-13-3)";

const REASONS: Readonly<Record<string, readonly RequirementId[]>> = {
  [SUBMITS]: [
    ...(["arap-7-2", "arap-7-3", "arap-7-4", "arap-7-6", "arap-10-1-10", "arap-10-1-11"] as const),
    ...(["arap-16-1", "arap-16-2", "arap-21-3-1-1"] as const),
  ],
  [POLLS]: [
    ...(["arap-10-2-3", "arap-11-1", "arap-11-2", "arap-11-3", "arap-11-1-1", "arap-11-3-3"] as const),
    ...(["arap-10-2-9", "arap-12-1"] as const),
  ],
  [READS]: ["arap-12-5", "arap-12-18", "arap-12-19", "arap-12-24"],
  [CATALOGS]: ["arap-8-2", "arap-9-1-1", "arap-9-1-2", "arap-9-4-1", "arap-9-4-2"],
  [CALLBACKS]: ["arap-13-5", "arap-13-6", "arap-21-4-1-1"],
  "the approval service knows the keys by configuration and takes them anew at SIGHUP; it fetches none": ["arap-6-5"],
  "no request schema is offered: a reason is all that a submission needs": ["arap-8-1"],
  "catalogs are optional and not offered (arap-9-2-1)": ["arap-21-3-2-1"],
  "a key is kept for 24 hours from its call, as for every write here": ["arap-10-1-14"],
  "retention is the database's: requests and their audit record are kept by design, denials lapse after 15 minutes": [
    "arap-20-2",
  ],
  "the token carries binding_hash, the other form that the draft allows, so that it stays small": ["arap-21-1-4-5"],
  "emergency changes nothing here (arap-21-2-1-1): who needs another way in writes it into the policy": [
    "arap-21-2-3-1",
  ],
};

export const NOT_OURS: ReadonlyMap<string, string> = new Map(
  Object.entries(REASONS).flatMap(([reason, ids]) => ids.map((id) => [id, reason] as const)),
);
