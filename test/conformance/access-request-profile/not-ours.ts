/** Rows that do not apply, and why: what they ask of is not here. `NOT_OURS`: no test names them. `NOT_OFFERED`: a test shows that it is not here. */
import { byRow } from "./by-row.ts";

/**
 * Of enforcers. Ours (Envoy, the gateway) speak ext_authz and hold to what its answers say. What holds of an enforcer whatever it speaks is shown of both
 * with real decisions: test/e2e/gateway.test.ts. The rest is about what ours have no part in:
 */
const SUBMITS = "no enforcer of ours submits: the requester does, with a token of their own (docs/authzen.md)";
const POLLS = "no enforcer of ours looks at tasks: the requester does, and the enforcer asks anew at every call";
const READS = "no enforcer of ours reads AuthZEN's answers: an allow or a denial of ext_authz is all it is told";
const CATALOGS = "no enforcer of ours reads catalogs or request schemas, and none are offered (arap-9-2-1)";
const CALLBACKS = "no enforcer of ours takes callbacks, and none are made (arap-13-3)";

export const NOT_OURS = byRow({
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
  "a schema is for enforcers that submit by themselves, and here none does": ["arap-8-1"],
  "catalogs are optional and not offered (arap-9-2-1)": ["arap-21-3-2-1"],
});

export const NOT_OFFERED = byRow({
  "catalogs are optional, bind whoever offers them, and are not offered": [
    "arap-9-2-1",
    "arap-9-2-2",
    "arap-9-5-1",
    "arap-9-6-1",
  ],
  "bundles are optional and not offered: a submission with `items` is refused": [
    "arap-10-1-2",
    "arap-10-2-7",
    "arap-10-2-8",
  ],
  "callbacks are optional and not offered: a submission with one is refused, and nobody is called": [
    "arap-13-1",
    "arap-13-2",
    "arap-13-3",
    "arap-13-4",
  ],
});
