/** Rows that no test names, and why: what they ask of is not here, or is done in another way that the draft leaves open. */
import { REQUIREMENTS, type RequirementId } from "./requirements.ts";

const ENFORCER =
  "asks something of an enforcer that speaks AuthZEN; ours (Envoy, the gateway) speak ext_authz, and hold to what its answers say";
const NO_CATALOGS = "catalogs are optional and not offered";
const NO_BUNDLES = "bundles are optional; a submission with items is refused (arap-10-1-1)";
const NO_CALLBACKS = "callbacks are optional; a submission with one is refused (arap-13-1)";
const NO_STATE =
  "no approval.state is made or read: grants are looked up, and a state that is sent changes nothing (arap-12-9)";

/**
 * Of enforcers all rows are out but these: two have a side that is ours as well, and three hold of an enforcer whatever it speaks, and are shown of
 * Envoy and of the gateway with real decisions (test/e2e/gateway.test.ts).
 */
const TESTED_OF_ENFORCERS: ReadonlySet<string> = new Set<RequirementId>([
  ...(["arap-10-1-3", "arap-12-21"] as const),
  ...(["arap-5-1", "arap-12-25", "arap-16-3"] as const),
]);

const OTHERS: Partial<Record<RequirementId, string>> = {
  "arap-6-5": "the approval service knows the keys by configuration and takes them anew at SIGHUP; it fetches none",
  "arap-8-1": "no request schema is offered: a reason is all that a submission needs",
  "arap-9-2-1": NO_CATALOGS,
  "arap-9-2-2": NO_CATALOGS,
  "arap-9-5-1": NO_CATALOGS,
  "arap-9-6-1": NO_CATALOGS,
  "arap-21-3-2-1": NO_CATALOGS,
  "arap-10-1-14": "a key is kept for 24 hours from its call, as for every write here",
  "arap-10-2-7": NO_BUNDLES,
  "arap-10-2-8": NO_BUNDLES,
  "arap-13-3": NO_CALLBACKS,
  "arap-13-4": NO_CALLBACKS,
  "arap-12-7": NO_STATE,
  "arap-12-11": NO_STATE,
  "arap-12-12": NO_STATE,
  "arap-21-1-4-9": NO_STATE,
  "arap-20-2":
    "retention is the database's: requests and their audit record are kept by design, denials lapse after 15 minutes",
  "arap-21-1-4-5": "the token carries binding_hash, the other form that the draft allows, so that it stays small",
  "arap-21-2-3-1": "emergency changes nothing here (arap-21-2-1-1): who needs another way in writes it into the policy",
};

export const NOT_OURS: ReadonlyMap<string, string> = new Map([
  ...Object.entries(REQUIREMENTS)
    .filter(([id, [role]]) => role === "pep" && !TESTED_OF_ENFORCERS.has(id))
    .map(([id]) => [id, ENFORCER] as const),
  ...Object.entries(OTHERS),
]);
