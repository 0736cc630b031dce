/** Decisions that tell of an account, recorded as intake has them recorded, and what is counted of it. Times lie back: nothing is seen after now. */
import { durationMs } from "../../../core/domain/time.ts";
import type { LoggedDecision } from "../../../core/messages/decision-record.ts";
import { profileId } from "../../../core/messages/profile-record.ts";
import { createRecordDecisions } from "../../../services/approval/commands/record-decision.ts";
import { storedOffset } from "../../../services/approval/store/offsets.ts";
import { dueProfiles } from "../../../services/approval/store/published-profiles.ts";
import type { Approval } from "./approval-fixture.ts";
import { logOf } from "./decision-log-fixture.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** Midnight, UTC, of a day long over. */
export const T = Math.floor(Date.now() / DAY) * DAY - 40 * DAY;

export const at = (after: number) => new Date(T + after).toISOString();

let partition = 0;

/** One log that tells of one call `after` milliseconds, read from a partition of its own. */
export async function tell(
  approval: Approval,
  name: string,
  after: number,
  more: Partial<LoggedDecision> = {},
  options: { readonly keepDays?: number } = { keepDays: 30 },
) {
  partition += 1;
  const origin = { topic: "decisions", partition, from: 0n, next: 1n };
  await storedOffset(approval.database, origin.topic, partition, 0n);
  const subject = { issuer: "i", id: name, actors: [] };
  const entries = logOf(2, { time: at(after), source_address: "192.0.2.7", subject, ...more });
  return createRecordDecisions({ store: approval.store }, options)({ entries, origin });
}

/** `<kind> <value> <days>` of each. */
export async function traitsOfAccount(approval: Approval, name: string, kind?: string): Promise<readonly string[]> {
  const { rows } = await approval.database.query<{ kind: string; value: string; days: number }>(
    "select kind, value, cardinality(days) as days from traits where profile_id = $1 and kind = coalesce($2, kind) order by kind, value",
    [profileId({ issuer: "i", subject: name }), kind],
  );
  return rows.map((one) => `${one.kind} ${one.value} ${one.days}`);
}

export const dueNow = (approval: Approval, keepDays = 30) =>
  dueProfiles(approval.database, { interval: durationMs(0), keepDays }, 10);
