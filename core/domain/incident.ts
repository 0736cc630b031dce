/**
 * An incident that somebody of security has opened: `open → closed`, once. It decides nothing: policies see the open ones as input
 * (docs/context.md) and say what follows. Opening and closing need no approval, and no time limit ends it; the record names who did it.
 */
import type { IncidentClosed, IncidentOpened, Principal } from "./events.ts";
import type { Id } from "./id.ts";
import { plainText } from "./plain-text.ts";
import type { Severity } from "./severity.ts";
import type { Instant } from "./time.ts";

/** Each open incident is part of the input of every decision. */
export const MOST_OPEN_INCIDENTS = 100;

/** What decision services know of one. */
export type Incident = {
  readonly id: Id<"incident">;
  /** Counts every change; the highest version wins wherever it is read. */
  readonly version: number;
  readonly state: "open" | "closed";
  readonly severity: Severity;
  /** What it affects, in words that the policies know. */
  readonly scope: string;
  readonly openedAt: Instant;
};

/** What is kept of one: the text is for people. */
export type RecordedIncident = Incident & { readonly title: string; readonly closedAt: Instant | undefined };

type Opened = { readonly incident: RecordedIncident; readonly event: IncidentOpened };

export function openIncident(
  { id, severity, scope, title }: Pick<RecordedIncident, "id" | "severity" | "scope" | "title">,
  by: Principal,
  now: Instant,
): Opened {
  const incident: RecordedIncident = {
    ...{ id, version: 1, state: "open", severity },
    ...{ scope: plainText(scope), title: plainText(title), openedAt: now, closedAt: undefined },
  };
  const data = { incidentId: id, severity, scope: incident.scope, title: incident.title };
  return { incident, event: { type: "incident.opened", by, ...ABOUT_NOTHING_ELSE, data } };
}

type Closed =
  | { readonly kind: "closed"; readonly incident: RecordedIncident; readonly event: IncidentClosed }
  | { readonly kind: "already_closed" };

export function closeIncident(
  incident: RecordedIncident,
  reason: string | undefined,
  by: Principal,
  now: Instant,
): Closed {
  if (incident.state === "closed") return { kind: "already_closed" };
  const closed: RecordedIncident = { ...incident, state: "closed", version: incident.version + 1, closedAt: now };
  const data = { incidentId: incident.id, reason: reason === undefined ? undefined : plainText(reason) };
  return { kind: "closed", incident: closed, event: { type: "incident.closed", by, ...ABOUT_NOTHING_ELSE, data } };
}

const ABOUT_NOTHING_ELSE = {
  denialId: undefined,
  requestId: undefined,
  grantId: undefined,
  policyRevision: undefined,
} as const;
