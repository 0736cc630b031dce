/** Incidents on `countersign.state.v1`, complete, under `incident/<id>`. Their title is left out: no policy needs it. */
import { type Static, Type } from "typebox";
import { id } from "../domain/id.ts";
import type { Incident } from "../domain/incident.ts";
import { SEVERITIES } from "../domain/severity.ts";
import { parseRfc3339, rfc3339 } from "../domain/time.ts";
import { createParser, type Parsed } from "./parse.ts";

export function incidentKey(incidentId: Incident["id"]): string {
  return `incident/${incidentId}`;
}

const IncidentRecordSchema = Type.Object(
  {
    v: Type.Literal(1),
    id: Type.String(),
    version: Type.Integer({ minimum: 1 }),
    state: Type.Union([Type.Literal("open"), Type.Literal("closed")]),
    severity: Type.Enum([...SEVERITIES]),
    scope: Type.String(),
    opened_at: Type.String(),
  },
  { additionalProperties: false },
);

type IncidentRecord = Static<typeof IncidentRecordSchema>;

export function incidentToWire({ id, version, state, severity, scope, openedAt }: Incident): IncidentRecord {
  return { v: 1, id, version, state, severity, scope, opened_at: rfc3339(openedAt) };
}

const parseIncident = createParser(IncidentRecordSchema);

export function readIncident(payload: Uint8Array): Parsed<Incident> {
  const parsed = parseIncident(payload);
  if (parsed.kind === "malformed") return parsed;
  const { version, state, severity, scope, ...wire } = parsed.value;
  try {
    const [incidentId, openedAt] = [id("incident", wire.id), parseRfc3339(wire.opened_at)];
    return { kind: "parsed", value: { id: incidentId, version, state, severity, scope, openedAt } };
  } catch {
    return { kind: "malformed", detail: "an id or time is malformed" };
  }
}
