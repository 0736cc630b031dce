/**
 * The RFC 8785 form of a logged decision, written for each check. Its members are known, so they are put in order here instead of being
 * sorted each time, and the engine writes the rest: of the strings and whole numbers of a record it writes the same text. What it would
 * write although there is no canonical form for it (half a surrogate pair, NaN) is left to `canonicalJson`, which refuses it.
 */
import type { Digest } from "../domain/id.ts";
import type { DecisionLogRecord, LoggedDecision } from "./decision-record.ts";
import { canonicalJson, leafHashOf } from "./hashing.ts";

/** A record as it is written to the spool and hashed: its canonical form, and the hash that the next one names. */
export function linkOf(record: DecisionLogRecord): { readonly text: string; readonly hash: Digest } {
  const text = record.kind === "decision" ? canonicalDecision(record) : canonicalJson(record);
  return { text, hash: leafHashOf(text) };
}

export function canonicalDecision(record: LoggedDecision): string {
  const text = JSON.stringify(inOrder(record));
  const isCanonical =
    !text.includes("\\ud") && Number.isSafeInteger(record.duration_us) && Number.isSafeInteger(record.policy_fuel ?? 0);
  return isCanonical ? text : canonicalJson(record);
}

/** Names in the order of their UTF-16 units, which is RFC 8785's. */
function inOrder(record: LoggedDecision) {
  const { subject } = record;
  return {
    authority: record.authority,
    decision_id: record.decision_id,
    denial_id: record.denial_id,
    duration_us: record.duration_us,
    entitlements: record.entitlements,
    grant_id: record.grant_id,
    grant_reason: record.grant_reason,
    index: record.index,
    kind: record.kind,
    log: record.log,
    masked_query: record.masked_query,
    method: record.method,
    mode: record.mode,
    outcome: record.outcome,
    path: record.path,
    policy_fuel: record.policy_fuel,
    policy_revision: record.policy_revision,
    prev: record.prev,
    reason: record.reason,
    reasons: record.reasons,
    redeemed: record.redeemed,
    request_id: record.request_id,
    source_address: record.source_address,
    subject:
      subject === null
        ? null
        : {
            actors: subject.actors.map(({ id, issuer }) => ({ id, issuer })),
            id: subject.id,
            issuer: subject.issuer,
          },
    time: record.time,
    traceparent: record.traceparent,
    v: record.v,
  } satisfies { readonly [Name in keyof LoggedDecision]-?: LoggedDecision[Name] | undefined };
}
