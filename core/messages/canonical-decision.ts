/**
 * The RFC 8785 form of a logged decision, written for each check. Its members are known, so they are put in order here instead of being sorted
 * each time, and JSON.stringify writes the rest: for the strings and integers of a record the text is the same. Values without a canonical form
 * are refused: NaN here, and a lone surrogate by `canonicalJson`.
 */
import { AppError } from "../domain/app-error.ts";
import type { DecisionLogRecord, LoggedDecision } from "./decision-record.ts";
import { canonicalJson } from "./hashing.ts";

/** Where a record stands in its log. */
type RecordLink = Pick<LoggedDecision, "v" | "log" | "index" | "prev">;
type Unlinked<R> = R extends DecisionLogRecord ? Omit<R, keyof RecordLink> : never;
type MayBeAbsent = "client" | "country" | "policy_asked" | "policy_fuel";
/** What is absent is undefined, so that these objects are all of one shape. */
export type DecisionBody = Omit<LoggedDecision, keyof RecordLink | MayBeAbsent> & {
  readonly [Name in MayBeAbsent]?: LoggedDecision[Name] | undefined;
};
export type RecordBody = DecisionBody | Unlinked<Exclude<DecisionLogRecord, LoggedDecision>>;

/** A record as it is written to the spool and hashed. @throws AppError invalid_record for what has no canonical form */
export function canonicalRecord(link: RecordLink, body: RecordBody): string {
  return body.kind === "decision" ? canonicalDecision(link, body) : canonicalJson({ ...link, ...body });
}

export function canonicalDecision(link: RecordLink, body: DecisionBody): string {
  const { duration_us, policy_fuel = 0, policy_asked } = body;
  const isWhole = Number.isSafeInteger(duration_us) && Number.isSafeInteger(policy_fuel);
  if (!isWhole || policy_asked?.every((one) => Number.isSafeInteger(one.duration_us)) === false)
    throw new AppError("invalid_record", "a decision with a number that is not whole");
  const text = JSON.stringify(inOrder(link, body));
  return text.includes("\\ud") ? canonicalJson(JSON.parse(text)) : text;
}

/** Names in the order of their UTF-16 units, which is RFC 8785's. */
function inOrder(link: RecordLink, record: DecisionBody) {
  const { subject } = record;
  return {
    authority: record.authority,
    client: record.client,
    country: record.country,
    decision_id: record.decision_id,
    denial_id: record.denial_id,
    duration_us: record.duration_us,
    entitlements: record.entitlements,
    grant_id: record.grant_id,
    grant_reason: record.grant_reason,
    index: link.index,
    kind: record.kind,
    log: link.log,
    masked_query: record.masked_query,
    method: record.method,
    mode: record.mode,
    outcome: record.outcome,
    path: record.path,
    policy_asked: record.policy_asked?.map(({ duration_us, host, outcome }) => ({ duration_us, host, outcome })),
    policy_fuel: record.policy_fuel,
    policy_revision: record.policy_revision,
    prev: link.prev,
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
    v: link.v,
  } satisfies { readonly [Name in keyof LoggedDecision]-?: LoggedDecision[Name] | undefined };
}
