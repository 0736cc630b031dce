/**
 * What a reader of the state topic holds under a key. One rule for the decision service, which reads, and for the relay, which checks that what
 * it published can be read.
 */
import type { Grant } from "../domain/grant.ts";
import type { Incident } from "../domain/incident.ts";
import { incidentKey, readIncident } from "./incident-record.ts";
import type { Parsed } from "./parse.ts";
import { grantKey, readGrant } from "./state-record.ts";

export type StateValue =
  | { readonly kind: "grant"; readonly grant: Grant }
  | { readonly kind: "incident"; readonly incident: Incident };

type ReadValue =
  | { readonly kind: "value"; readonly value: StateValue }
  /** Of a kind that is known here, and not what it should be. */
  | { readonly kind: "unreadable" }
  /** Something that only newer versions know: it counts in the set, and holds nothing. */
  | { readonly kind: "other" };

/** NB: what the payload calls itself has to be what was signed as key and version, or it holds nothing. */
export function readStateValue(key: string, version: number, payload: Uint8Array): ReadValue {
  if (key.startsWith("grant/")) {
    const grant = named(readGrant(payload), key, version, ({ id }) => grantKey(id));
    return grant === undefined ? { kind: "unreadable" } : { kind: "value", value: { kind: "grant", grant } };
  }
  if (key.startsWith("incident/")) {
    const incident = named(readIncident(payload), key, version, ({ id }) => incidentKey(id));
    return incident === undefined ? { kind: "unreadable" } : { kind: "value", value: { kind: "incident", incident } };
  }
  return { kind: "other" };
}

function named<Value extends { readonly version: number }>(
  parsed: Parsed<Value>,
  key: string,
  version: number,
  keyOf: (value: Value) => string,
): Value | undefined {
  const isIt = parsed.kind === "parsed" && keyOf(parsed.value) === key && parsed.value.version === version;
  return isIt ? parsed.value : undefined;
}
