/** What tests of redemptions share: the claim of one use, and a row or a table that somebody holds. */
import type { Grant, RedemptionClaim } from "../../../core/domain/grant.ts";
import { type Approval, ids } from "./approval-fixture.ts";

/** One use of this grant, under an id of its own, as the grant is bound unless changed. */
export function claimOf(grant: Grant, more: Partial<RedemptionClaim> = {}): RedemptionClaim {
  const { id: grantId, issuer, subject, actors, entitlement, scope, binding } = grant;
  const digest = binding.kind === "exact" ? binding.digest : undefined;
  return { redemptionId: ids.fresh("decision"), grantId, issuer, subject, actors, entitlement, scope, digest, ...more };
}

type Database = Approval["database"];
type LetGo = () => Promise<void>;

/** Resolves once the row is held, with what lets it go. */
export function holdRow(database: Database, { id }: Grant): Promise<LetGo> {
  return hold(database, "select 1 from grants where id = $1 for update", [id]);
}

/** Resolves once what this statement locks is held, with what lets it go. */
export async function hold(database: Database, statement: string, values: readonly unknown[] = []): Promise<LetGo> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: locked, resolve: isLocked } = Promise.withResolvers<void>();
  const holding = database.transaction("test", async (tx) => {
    await tx.query(statement, values);
    isLocked();
    await released;
  });
  await Promise.race([locked, holding]);
  return async () => {
    release();
    await holding;
  };
}

/** How many connections wait for somebody's lock. */
export async function inLocks(database: Database): Promise<number> {
  const { rowCount } = await database.query(
    "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rowCount ?? 0;
}
