/**
 * Records of `countersign.state.v1`: complete grants under `grant/<id>`, incidents (incident-record.ts), and heartbeats. A record's version is in
 * the envelope. An unreadable payload with a valid signature still counts in the set: the reader keeps (key, version) and no value.
 */
import { type Static, Type } from "typebox";
import type { Heartbeat } from "../domain/freshness.ts";
import type { Grant, GrantBinding } from "../domain/grant.ts";
import { digest, id } from "../domain/id.ts";
import { type Instant, instant, parseRfc3339, rfc3339 } from "../domain/time.ts";
import { MaxUsesSchema } from "./elevation-record.ts";
import { createParser, type Parsed } from "./parse.ts";
import { earlierSetHashOf, setHashOf, setHashText, stateRecordHash } from "./record-keys.ts";

const closed = { additionalProperties: false } as const;
const Sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });

export const HEARTBEAT_KEY = "heartbeat/2";

/**
 * Heartbeats for decision services from before `HEARTBEAT_KEY`, which take these alone and count that key in their set; no others are to take them
 * (`earlierSetHashOf`).
 */
export const EARLIER_HEARTBEAT_KEY = "heartbeat";

export function grantKey(grantId: Grant["id"]): string {
  return `grant/${grantId}`;
}

export const GrantRecordSchema = Type.Object(
  {
    v: Type.Literal(1),
    id: Type.String(),
    version: Type.Integer({ minimum: 1 }),
    request_id: Type.String(),
    denial_id: Type.String(),
    person: Type.Union([Type.Object({ realm: Type.String(), id: Type.String() }, closed), Type.Null()]),
    issuer: Type.String(),
    subject: Type.String(),
    /** Left out for whom nobody acts: so were all of them once. */
    actors: Type.Optional(Type.Array(Type.Object({ issuer: Type.String(), id: Type.String() }, closed))),
    entitlement: Type.String(),
    scope: Type.String(),
    digest: Type.Union([Sha256, Type.Null()]),
    bind_headers: Type.Array(Type.String()),
    state: Type.Union([
      Type.Literal("scheduled"),
      Type.Literal("active"),
      Type.Literal("consumed"),
      Type.Literal("expired"),
      Type.Literal("revoked"),
    ]),
    uses: Type.Integer({ minimum: 0 }),
    max_uses: MaxUsesSchema,
    not_before: Type.String(),
    expires_at: Type.String(),
  },
  closed,
);

type GrantRecord = Static<typeof GrantRecordSchema>;

export function grantToWire(grant: Grant): GrantRecord {
  const { binding } = grant;
  return {
    v: 1,
    id: grant.id,
    version: grant.version,
    request_id: grant.requestId,
    denial_id: grant.denialId,
    person: grant.person === undefined ? null : { ...grant.person },
    issuer: grant.issuer,
    subject: grant.subject,
    ...(grant.actors.length === 0 ? {} : { actors: grant.actors.map((actor) => ({ ...actor })) }),
    entitlement: grant.entitlement,
    scope: grant.scope,
    digest: binding.kind === "exact" ? binding.digest : null,
    bind_headers: binding.kind === "exact" ? [...binding.bindHeaders] : [],
    state: grant.state,
    uses: grant.uses,
    max_uses: grant.maxUses,
    not_before: rfc3339(grant.notBefore),
    expires_at: rfc3339(grant.expiresAt),
  };
}

const parseGrant = createParser(GrantRecordSchema);

export function readGrant(payload: Uint8Array): Parsed<Grant> {
  const parsed = parseGrant(payload);
  if (parsed.kind === "malformed") return parsed;
  const wire = parsed.value;
  try {
    const binding: GrantBinding =
      wire.digest === null
        ? { kind: "scope" }
        : { kind: "exact", digest: digest(wire.digest), bindHeaders: wire.bind_headers };
    const value: Grant = {
      id: id("grant", wire.id),
      version: wire.version,
      requestId: id("request", wire.request_id),
      denialId: id("denial", wire.denial_id),
      person: wire.person ?? undefined,
      issuer: wire.issuer,
      subject: wire.subject,
      actors: wire.actors ?? [],
      entitlement: wire.entitlement,
      scope: wire.scope,
      binding,
      state: wire.state,
      uses: wire.uses,
      maxUses: wire.max_uses,
      notBefore: parseRfc3339(wire.not_before),
      expiresAt: parseRfc3339(wire.expires_at),
    };
    return { kind: "parsed", value };
  } catch {
    return { kind: "malformed", detail: "an id or time is malformed" };
  }
}

const HeartbeatRecordSchema = Type.Object(
  { v: Type.Literal(1), database_time_ms: Type.Integer({ minimum: 0 }), set_hash: Sha256 },
  closed,
);

type HeartbeatRecord = Static<typeof HeartbeatRecordSchema>;

export function heartbeatToWire(heartbeat: Heartbeat): HeartbeatRecord {
  return { v: 1, database_time_ms: heartbeat.databaseTime, set_hash: setHashText(heartbeat.setHash) };
}

/** What is published over a set with this sum, by key and in this order: to earlier readers the first is one more key of the set. */
export function heartbeatsToWire(databaseTime: Instant, sum: bigint): ReadonlyMap<string, HeartbeatRecord> {
  const earlier = earlierSetHashOf(sum + stateRecordHash(HEARTBEAT_KEY, 0));
  return new Map([
    [HEARTBEAT_KEY, heartbeatToWire({ databaseTime, setHash: setHashOf(sum) })],
    [EARLIER_HEARTBEAT_KEY, heartbeatToWire({ databaseTime, setHash: earlier })],
  ]);
}

const parseHeartbeat = createParser(HeartbeatRecordSchema);

export function readHeartbeat(payload: Uint8Array): Parsed<Heartbeat> {
  const parsed = parseHeartbeat(payload);
  if (parsed.kind === "malformed") return parsed;
  const { database_time_ms: databaseTimeMs, set_hash: setHash } = parsed.value;
  return { kind: "parsed", value: { databaseTime: instant(databaseTimeMs), setHash: BigInt(`0x${setHash}`) } };
}
