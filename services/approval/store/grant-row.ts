/** Converts between a row of `grants` and the domain's grant. Whatever is written to a topic or an answer goes through here as well. */
import { Type } from "typebox";
import type { Grant, GrantState } from "../../../core/domain/grant.ts";
import { digest, id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { ActorColumn } from "./actor-column.ts";
import { createColumnReader } from "./json-column.ts";

/** The columns that make a grant, in the order of `GrantRow`. */
export const GRANT_COLUMNS = `id, version, request_id, denial_id, person_realm, person_id, issuer, subject, actors,
  entitlement, scope, digest, bind_headers, state, uses, max_uses, not_before, expires_at`;

export type GrantRow = {
  readonly id: string;
  readonly version: number;
  readonly request_id: string;
  readonly denial_id: string;
  readonly person_realm: string | null;
  readonly person_id: string | null;
  readonly issuer: string;
  readonly subject: string;
  readonly actors: unknown;
  readonly entitlement: string;
  readonly scope: string;
  readonly digest: string | null;
  readonly bind_headers: readonly string[];
  readonly state: GrantState;
  readonly uses: number;
  readonly max_uses: number | null;
  readonly not_before: Date;
  readonly expires_at: Date;
};

const readActors = createColumnReader("actors", Type.Array(ActorColumn));

/** @throws AppError invalid_record */
export function grantFromRow(row: GrantRow): Grant {
  return {
    id: id("grant", row.id),
    version: row.version,
    requestId: id("request", row.request_id),
    denialId: id("denial", row.denial_id),
    person:
      row.person_realm === null || row.person_id === null ? undefined : { realm: row.person_realm, id: row.person_id },
    issuer: row.issuer,
    subject: row.subject,
    actors: readActors(row.actors),
    entitlement: row.entitlement,
    scope: row.scope,
    binding:
      row.digest === null
        ? { kind: "scope" }
        : { kind: "exact", digest: digest(row.digest), bindHeaders: row.bind_headers },
    state: row.state,
    uses: row.uses,
    maxUses: row.max_uses ?? "unlimited",
    notBefore: instant(row.not_before.getTime()),
    expiresAt: instant(row.expires_at.getTime()),
  };
}
