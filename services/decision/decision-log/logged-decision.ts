/**
 * One decision as the log records it: outcome, reason, who, what, under which policy, with which grant. Text and lists from outside are
 * truncated, so that a record always stays far below the 64 KiB of a batch. Tokens, bodies, headers and query values never enter.
 */
import type { Decision } from "../../../core/domain/decision.ts";
import { namedCall } from "../../../core/domain/question.ts";
import { rfc3339 } from "../../../core/domain/time.ts";
import type { Actor, Subject } from "../../../core/domain/subject.ts";
import type { DecisionBody } from "../../../core/messages/canonical-decision.ts";
import { maskQuery } from "../../../core/domain/mask-query.ts";
import type { AskedHost, LogEntry } from "../ports.ts";

/** Longest texts, in bytes as JSON writes them (one UTF-16 unit may take six), and longest lists. */
const MAX = {
  path: 4096,
  query: 2048,
  authority: 512,
  method: 64,
  id: 1024,
  reason: 256,
  reasons: 16,
  entitlements: 16,
  actors: 8,
  asked: 32,
  host: 256,
} as const;

export function loggedDecision(entry: LogEntry): DecisionBody {
  const { evaluation, decision, subject, asked } = entry;
  const { http } = evaluation.call;
  const named = http ?? (evaluation.question && namedCall(evaluation.question));
  const grant = decision.kind === "allow" && decision.by.kind === "grant" ? decision.by.grant : undefined;
  const traceparent = entry.traceparent ?? evaluation.traceparent;
  const denial = decision.kind === "needs_approval" ? decision.denial : undefined;
  return {
    kind: "decision",
    time: rfc3339(entry.time),
    decision_id: evaluation.decisionId,
    outcome: decision.kind,
    reason: reasonOf(decision),
    reasons: decision.kind === "needs_approval" ? [] : cutAll(decision.reasons, MAX.reasons),
    subject: subject === undefined ? null : accountOf(subject),
    client: evaluation.client,
    method: cut(named?.method ?? evaluation.protocol, MAX.method),
    authority: cut(named?.authority ?? "", MAX.authority),
    path: cut(named?.path ?? "", MAX.path),
    masked_query: cut(maskQuery(http?.query ?? ""), MAX.query),
    source_address: entry.sourceAddress === undefined ? null : cut(entry.sourceAddress, MAX.method),
    country: entry.country,
    policy_revision: entry.policyRevision ?? null,
    policy_fuel: entry.fuelUsed,
    policy_asked: asked === undefined || asked.length === 0 ? undefined : askedOf(asked),
    entitlements: cutAll(entitlementsOf(decision), MAX.entitlements),
    denial_id: grant?.denialId ?? denial?.id ?? null,
    grant_id: grant?.id ?? null,
    request_id: grant?.requestId ?? null,
    grant_reason: decision.kind === "needs_approval" ? (decision.grantReason ?? null) : null,
    redeemed: grant !== undefined && grant.maxUses !== "unlimited",
    mode: entry.mode,
    duration_us: Math.max(0, Math.round(entry.durationUs)),
    traceparent: traceparent === undefined ? null : cut(traceparent, MAX.reason),
  };
}

/** Made for each decision: to remember it by the account costs ten times as much where a client states one, another object each time. */
function accountOf(subject: Subject): NonNullable<DecisionBody["subject"]> {
  const { actors } = subject;
  return {
    ...cutActor(subject),
    actors: actors.length === 0 ? [] : actors.slice(0, MAX.actors).map(cutActor),
  };
}

function cutActor({ issuer, id }: Actor): Actor {
  return { issuer: cut(issuer, MAX.id), id: cut(id, MAX.id) };
}

function askedOf(asked: readonly AskedHost[]) {
  return asked.slice(0, MAX.asked).map(({ host, durationMs, outcome }) => ({
    host: cut(host, MAX.host),
    duration_us: Math.max(0, Math.round(durationMs * 1_000)),
    outcome,
  }));
}

export function reasonOf(decision: Decision): string | null {
  if (decision.kind === "deny") return decision.reason;
  return decision.kind === "needs_approval" && decision.tooManyDenials !== undefined ? "too_many_denials" : null;
}

function entitlementsOf(decision: Decision): readonly string[] {
  if (decision.kind === "needs_approval") return decision.elevations.map((one) => one.entitlement);
  return decision.kind === "allow" && decision.by.kind === "grant" ? [decision.by.grant.entitlement] : [];
}

/** Most decisions name one, and many none. */
function cutAll(texts: readonly string[], most: number): string[] {
  return texts.length === 0 ? [] : texts.slice(0, most).map((one) => cut(one, MAX.reason));
}

/** NB: a lone surrogate has no canonical form, so the record could not be hashed. */
function cut(text: string, longest: number): string {
  if (text.length * MAX_UNIT_BYTES <= longest) return text.toWellFormed();
  for (let at = 0, bytes = 0; at < text.length; at += 1) {
    bytes += bytesInJson(text.charCodeAt(at));
    if (bytes > longest) return `${text.slice(0, at).toWellFormed()}…`;
  }
  return text.toWellFormed();
}

/** As `\u0001` is written. */
const MAX_UNIT_BYTES = 6;
const [QUOTE, BACKSLASH] = [0x22, 0x5c];

/** At most this, for a UTF-16 unit. */
function bytesInJson(unit: number): number {
  if (unit < 0x20) return MAX_UNIT_BYTES;
  if (unit >= 0x80) return 3;
  return unit === QUOTE || unit === BACKSLASH ? 2 : 1;
}
