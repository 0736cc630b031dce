/** Statements on `incidents`, except those of the state relay. */
import { AppError } from "../../../core/domain/app-error.ts";
import { type Id, id } from "../../../core/domain/id.ts";
import type { RecordedIncident } from "../../../core/domain/incident.ts";
import { instant, rfc3339 } from "../../../core/domain/time.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { IncidentFilter, Listed, Page } from "../rest/ports.ts";
import { pageOf } from "./page.ts";

/** The columns that make an incident, in the order of `IncidentRow`. */
export const INCIDENT_COLUMNS = "id, version, state, severity, scope, title, opened_at, closed_at";

export type IncidentRow = Pick<RecordedIncident, "version" | "state" | "severity" | "scope" | "title"> & {
  readonly id: string;
  readonly opened_at: Date;
  readonly closed_at: Date | null;
};

export function incidentFromRow({ opened_at: opened, closed_at: closed, ...row }: IncidentRow): RecordedIncident {
  const { version, state, severity, scope, title } = row;
  return {
    ...{ id: id("incident", row.id), version, state, severity, scope, title },
    openedAt: instant(opened.getTime()),
    closedAt: closed === null ? undefined : instant(closed.getTime()),
  };
}

/** Makes every other transaction that opens one wait until this one ends, so that a count made after it stays true. */
export async function lockOpening(db: Queryable): Promise<void> {
  await db.query("select pg_advisory_xact_lock(hashtextextended('countersign.incidents', 0))");
}

export async function countOpenIncidents(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    "select count(*)::int as count from incidents where state = 'open'",
  );
  return rows[0]?.count ?? 0;
}

export async function insertIncident(db: Queryable, incident: RecordedIncident): Promise<void> {
  const { id, version, state, severity, scope, title, openedAt } = incident;
  await db.query(
    `insert into incidents (id, version, state, severity, scope, title, opened_at) values ($1, $2, $3, $4, $5, $6, $7)`,
    [id, version, state, severity, scope, title, rfc3339(openedAt)],
  );
}

export async function findIncident(db: Queryable, incidentId: Id<"incident">): Promise<RecordedIncident | undefined> {
  const { rows } = await db.query<IncidentRow>(`select ${INCIDENT_COLUMNS} from incidents where id = $1`, [incidentId]);
  return rows.map(incidentFromRow)[0];
}

export async function lockIncident(db: Queryable, incidentId: Id<"incident">): Promise<RecordedIncident | undefined> {
  const { rows } = await db.query<IncidentRow>(`select ${INCIDENT_COLUMNS} from incidents where id = $1 for update`, [
    incidentId,
  ]);
  return rows.map(incidentFromRow)[0];
}

/** @throws AppError conflict when the stored version is not the one before. */
export async function saveIncident(db: Queryable, { id, version, state, closedAt }: RecordedIncident): Promise<void> {
  const { rowCount } = await db.query(
    "update incidents set state = $3, closed_at = $4, version = $2 where id = $1 and version = $2 - 1",
    [id, version, state, closedAt === undefined ? null : rfc3339(closedAt)],
  );
  if (rowCount !== 1) throw new AppError("conflict", "the incident was changed meanwhile");
}

/** Newest first. */
export async function listIncidents(
  db: Queryable,
  { state }: IncidentFilter,
  page: Page<"incident">,
): Promise<Listed<RecordedIncident>> {
  const { rows, more } = await pageOf<IncidentRow>(db, {
    select: `select ${INCIDENT_COLUMNS} from incidents
      where ($1::text is null or state = $1) and ($2::uuid is null or id < $2)`,
    order: "id desc",
    values: [state === "all" ? null : state, page.before ?? null],
    limit: page.limit,
  });
  return { rows: rows.map(incidentFromRow), more };
}
