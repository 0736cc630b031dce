/**
 * A requestable denial on `countersign.denials.v1`. Reading one recomputes every digest from the carried field hashes, and the hashes of the
 * plain fields from the plain fields: a denial whose display and digest disagree is a mismatch and is quarantined. The signature says who made
 * it; this says that it is consistent.
 */
import { type Static, Type } from "typebox";
import { type BoundField, PLAIN_FIELDS } from "../domain/binding.ts";
import type { Denial, DeniedCall, Offer, OfferBinding } from "../domain/denial.ts";
import { type Digest, digest, id } from "../domain/id.ts";
import type { Json, Subject } from "../domain/subject.ts";
import { parseRfc3339, rfc3339 } from "../domain/time.ts";
import { digestFromHashes, fieldHash } from "./binding-digest.ts";
import { ElevationSchema, elevationFromWire, elevationToWire } from "./elevation-record.ts";
import { createParser, type Parsed } from "./parse.ts";
import { denialKey } from "./record-keys.ts";

const closed = { additionalProperties: false } as const;
const Uuid = Type.String({ pattern: "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" });
const Sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
const optionalText = Type.Union([Type.String(), Type.Null()]);

/** An account with what its token showed. */
export const SubjectSchema = Type.Object(
  {
    issuer: Type.String({ minLength: 1 }),
    id: Type.String({ minLength: 1 }),
    groups: Type.Array(Type.String()),
    claims: Type.Record(Type.String(), Type.Unsafe<Json>({})),
    actors: Type.Array(Type.Object({ issuer: Type.String(), id: Type.String() }, closed)),
  },
  closed,
);

export const DenialRecordSchema = Type.Object(
  {
    v: Type.Literal(1),
    denial_id: Uuid,
    denial_key: Sha256,
    decision_id: Uuid,
    minted_at: Type.String(),
    expires_at: Type.String(),
    subject: SubjectSchema,
    call: Type.Object(
      {
        protocol: Type.Union([Type.Literal("http"), Type.Literal("tcp"), Type.Literal("api")]),
        method: Type.String(),
        authority: Type.String(),
        path: Type.String(),
        masked_query: Type.String(),
        body_bytes: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
        field_hashes: Type.Record(Type.String(), Sha256),
        source_address: optionalText,
      },
      closed,
    ),
    offers: Type.Array(
      Type.Object(
        {
          elevation: ElevationSchema,
          digest: Type.Union([Sha256, Type.Null()]),
          unbindable: Type.Union([Type.Literal("body_not_bindable"), Type.Literal("not_reviewable"), Type.Null()]),
        },
        closed,
      ),
      { minItems: 1, maxItems: 8 },
    ),
    policy_revision: Type.String({ minLength: 1 }),
    justification: optionalText,
    traceparent: optionalText,
  },
  closed,
);

export type DenialRecord = Static<typeof DenialRecordSchema>;

export function denialToWire(denial: Denial): DenialRecord {
  const { subject, call } = denial;
  return {
    v: 1,
    denial_id: denial.id,
    denial_key: denial.key,
    decision_id: denial.decisionId,
    minted_at: rfc3339(denial.mintedAt),
    expires_at: rfc3339(denial.expiresAt),
    subject: subjectToWire(subject),
    call: callToWire(call),
    offers: denial.offers.map(({ elevation, binding }) => ({
      elevation: elevationToWire(elevation),
      digest: binding.kind === "digest" ? binding.digest : null,
      unbindable: binding.kind === "unbindable" ? binding.reason : null,
    })),
    policy_revision: denial.policyRevision,
    justification: denial.justification ?? null,
    traceparent: denial.traceparent ?? null,
  };
}

export function subjectToWire(subject: Subject): Static<typeof SubjectSchema> {
  return {
    issuer: subject.issuer,
    id: subject.id,
    groups: [...subject.groups],
    claims: { ...subject.claims },
    actors: subject.actors.map((actor) => ({ ...actor })),
  };
}

export function callToWire(call: DeniedCall): DenialRecord["call"] {
  return {
    protocol: call.protocol,
    method: call.method,
    authority: call.authority,
    path: call.path,
    masked_query: call.maskedQuery,
    body_bytes: call.bodyBytes ?? null,
    field_hashes: { ...call.fieldHashes },
    source_address: call.sourceAddress ?? null,
  };
}

export function callFromWire(wire: DenialRecord["call"]): DeniedCall {
  const fieldHashes: Record<string, Digest> = Object.create(null);
  for (const [name, hash] of Object.entries(wire.field_hashes)) fieldHashes[name] = digest(hash);
  return {
    protocol: wire.protocol,
    method: wire.method,
    authority: wire.authority,
    path: wire.path,
    maskedQuery: wire.masked_query,
    bodyBytes: wire.body_bytes ?? undefined,
    fieldHashes,
    sourceAddress: wire.source_address ?? undefined,
  };
}

const parse = createParser(DenialRecordSchema);

/** A malformed record and one whose digests do not follow from its fields are both `malformed`; `detail` tells which. */
export function readDenial(payload: Uint8Array): Parsed<Denial> {
  const parsed = parse(payload);
  if (parsed.kind === "malformed") return parsed;
  try {
    const denial = denialFromWire(parsed.value);
    const mismatch = digestMismatch(denial);
    return mismatch === undefined ? { kind: "parsed", value: denial } : { kind: "malformed", detail: mismatch };
  } catch {
    return { kind: "malformed", detail: "a time or duration is out of range" };
  }
}

function denialFromWire(wire: DenialRecord): Denial {
  const [first, ...rest] = wire.offers.map(offerFromWire);
  if (first === undefined) throw new Error("the schema asks for one offer at least");
  return {
    id: id("denial", wire.denial_id),
    key: digest(wire.denial_key),
    decisionId: id("decision", wire.decision_id),
    mintedAt: parseRfc3339(wire.minted_at),
    expiresAt: parseRfc3339(wire.expires_at),
    subject: wire.subject,
    call: callFromWire(wire.call),
    offers: [first, ...rest],
    policyRevision: wire.policy_revision,
    justification: wire.justification ?? undefined,
    traceparent: wire.traceparent ?? undefined,
  };
}

function offerFromWire(wire: DenialRecord["offers"][number]): Offer {
  const binding: OfferBinding =
    wire.digest === null
      ? { kind: "unbindable", reason: wire.unbindable ?? "body_not_bindable" }
      : { kind: "digest", digest: digest(wire.digest) };
  return { elevation: elevationFromWire(wire.elevation), binding };
}

function digestMismatch(denial: Denial): string | undefined {
  const { call, subject } = denial;
  const plain: Record<(typeof PLAIN_FIELDS)[number], string> = {
    issuer: subject.issuer,
    subject: subject.id,
    method: call.method,
    authority: call.authority,
    path: call.path,
  };
  for (const name of PLAIN_FIELDS) {
    const field: BoundField = { name, values: [plain[name]] };
    const carried = call.fieldHashes[name];
    if (carried !== undefined && carried !== fieldHash(field)) return `field ${name} does not match its hash`;
  }
  for (const { elevation, binding } of denial.offers) {
    if (binding.kind === "unbindable") {
      if (elevation.binding === "exact") return "an exact elevation without a digest";
    } else if (digestFromHashes(call.fieldHashes, elevation.bindHeaders) !== binding.digest) {
      return "a digest does not follow from the field hashes";
    }
  }
  const { issuer, id: subjectId } = subject;
  const { policyRevision, offers, justification } = denial;
  const key = denialKey({ issuer, subject: subjectId, policyRevision, offers, justification });
  return key === denial.key ? undefined : "the denial key does not follow from the denial";
}
