/** Converts between a row of `requests` with its reviews and the domain's access request. JSON columns are validated when read. */
import { Type } from "typebox";
import type {
  AccessRequest,
  Requester,
  RequestStatus,
  Review,
  Submitter,
} from "../../../core/domain/access-request.ts";
import type { Offer } from "../../../core/domain/denial.ts";
import { digest, id } from "../../../core/domain/id.ts";
import { requirementParts } from "../../../core/domain/request-digest.ts";
import { reviewerSets, setKey } from "../../../core/domain/requirement.ts";
import { openSets } from "../../../core/domain/stages.ts";
import type { Json } from "../../../core/domain/subject.ts";
import { instant, rfc3339 } from "../../../core/domain/time.ts";
import {
  callFromWire,
  callToWire,
  DenialRecordSchema,
  SubjectSchema,
  subjectToWire,
} from "../../../core/messages/denial-record.ts";
import { elevationFromWire, elevationToWire } from "../../../core/messages/elevation-record.ts";
import { ActorColumn } from "./actor-column.ts";
import { createColumnReader } from "./json-column.ts";
import { requirementFromColumn } from "./requirement-column.ts";
import {
  limitsFromColumn,
  limitsToColumn,
  narrowingFromColumn,
  termsFromColumn,
  termsToColumn,
} from "./terms-column.ts";

/** The columns that make a request, in the order of `RequestRow`, with its reviews in order. */
export const REQUEST_COLUMNS = `id, denial_id, key, requester, submitted_by, submitted_account, call, offer, justification, requested, requirement,
  limits, notify, escalate_at, escalate_notify, policy_revision, digest, created_at, expires_at, status, status_reason, decided_at, counted,
  (select coalesce(json_agg(json_build_object(
            'id', reviews.id, 'person_realm', person_realm, 'person_id', person_id, 'groups', groups, 'account', account, 'vote', vote,
            'narrowing', narrowing, 'comment', comment,
            'at_ms', floor(extract(epoch from reviewed_at) * 1000)) order by reviewed_at, reviews.id), '[]')
     from (select id, person_realm, person_id, groups, account, vote, narrowing, comment, reviewed_at
             from reviews where request_id = requests.id) reviews) as reviews`;

export type RequestRow = {
  readonly id: string;
  readonly denial_id: string;
  readonly key: string;
  readonly requester: unknown;
  readonly submitted_by: unknown;
  readonly submitted_account: unknown;
  readonly call: unknown;
  readonly offer: unknown;
  readonly justification: string;
  readonly requested: unknown;
  readonly requirement: unknown;
  readonly limits: unknown;
  readonly notify: readonly string[];
  readonly escalate_at: Date | null;
  readonly escalate_notify: readonly string[];
  readonly policy_revision: string;
  readonly digest: string;
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly status: RequestStatus;
  readonly status_reason: string | null;
  readonly decided_at: Date | null;
  readonly counted: readonly string[] | null;
  readonly reviews: unknown;
};

const closed = { additionalProperties: false } as const;
const PersonColumn = Type.Object({ realm: Type.String(), id: Type.String() }, closed);

const readRequester = createColumnReader(
  "requester",
  Type.Object(
    {
      person: Type.Union([PersonColumn, Type.Null()]),
      actor_persons: Type.Array(PersonColumn),
      issuer: Type.String(),
      subject: Type.String(),
      actors: Type.Array(ActorColumn),
    },
    closed,
  ),
);
const readAccount = createColumnReader("submitted_account", SubjectSchema);
const readCall = createColumnReader("call", DenialRecordSchema.properties.call);
const readOffer = createColumnReader("offer", DenialRecordSchema.properties.offers.items);
const readReviews = createColumnReader(
  "reviews",
  Type.Array(
    Type.Object({
      id: Type.String(),
      person_realm: Type.String(),
      person_id: Type.String(),
      groups: Type.Array(Type.String()),
      account: SubjectSchema,
      vote: Type.Union([Type.Literal("approve"), Type.Literal("deny")]),
      narrowing: Type.Unknown(),
      comment: Type.Union([Type.String(), Type.Null()]),
      at_ms: Type.Integer(),
    }),
  ),
);

/** @throws AppError invalid_record */
export function requestFromRow(row: RequestRow): AccessRequest {
  return {
    id: id("request", row.id),
    denialId: id("denial", row.denial_id),
    key: digest(row.key),
    requester: requesterFromColumn(row.requester),
    submittedBy: submitterFromRow(row),
    call: callFromWire(readCall(row.call)),
    offer: offerFromColumn(row.offer),
    justification: row.justification,
    requested: termsFromColumn(row.requested),
    requirement: row.requirement === null ? undefined : requirementFromColumn(row.requirement),
    limits: row.limits === null ? undefined : limitsFromColumn(row.limits),
    notify: row.notify,
    escalation:
      row.escalate_at === null ? undefined : { at: instant(row.escalate_at.getTime()), notify: row.escalate_notify },
    policyRevision: row.policy_revision,
    digest: digest(row.digest),
    createdAt: instant(row.created_at.getTime()),
    expiresAt: instant(row.expires_at.getTime()),
    status: row.status,
    statusReason: row.status_reason ?? undefined,
    decidedAt: row.decided_at === null ? undefined : instant(row.decided_at.getTime()),
    reviews: reviewsFromColumn(row.reviews),
    ...(row.counted === null ? {} : { counted: row.counted.map((one) => id("review", one)) }),
  };
}

/** Values for the insert in requests.ts, in its order. */
export function requestToValues(request: AccessRequest): readonly unknown[] {
  const { requester, submittedBy, offer, requirement, limits, escalation } = request;
  return [
    request.id,
    request.denialId,
    request.key,
    requester.issuer,
    requester.subject,
    requester.person?.realm ?? null,
    requester.person?.id ?? null,
    JSON.stringify(requesterToColumn(requester)),
    JSON.stringify(callToWire(request.call)),
    offer.elevation.entitlement,
    JSON.stringify(offerToColumn(offer)),
    request.justification,
    JSON.stringify(termsToColumn(request.requested)),
    requirement === undefined ? null : JSON.stringify(requirementParts(requirement)),
    requirement === undefined ? [] : reviewerSets(requirement).map(setKey),
    openSets(request).map(setKey),
    limits === undefined ? null : JSON.stringify(limitsToColumn(limits)),
    request.notify,
    escalation === undefined ? null : rfc3339(escalation.at),
    escalation?.notify ?? [],
    request.policyRevision,
    request.digest,
    rfc3339(request.createdAt),
    rfc3339(request.expiresAt),
    request.status,
    request.statusReason ?? null,
    request.decidedAt === undefined ? null : rfc3339(request.decidedAt),
    submittedBy === undefined ? null : JSON.stringify(requesterToColumn(submittedBy)),
    submittedBy?.account === undefined ? null : JSON.stringify(subjectToWire(submittedBy.account)),
    request.counted ?? null,
  ];
}

function requesterToColumn(requester: Requester): Json {
  return {
    person: requester.person === undefined ? null : { ...requester.person },
    actor_persons: requester.actorPersons.map((person) => ({ ...person })),
    issuer: requester.issuer,
    subject: requester.subject,
    actors: requester.actors.map((actor) => ({ ...actor })),
  };
}

function requesterFromColumn(column: unknown): Requester {
  const { person, actor_persons, issuer, subject, actors } = readRequester(column);
  return { person: person ?? undefined, actorPersons: actor_persons, issuer, subject, actors };
}

function submitterFromRow({ submitted_by: by, submitted_account: account }: RequestRow): Submitter | undefined {
  if (by === null) return undefined;
  return { ...requesterFromColumn(by), ...(account === null ? {} : { account: readAccount(account) }) };
}

function offerToColumn({ elevation, binding }: Offer): Json {
  return {
    elevation: elevationToWire(elevation),
    digest: binding.kind === "digest" ? binding.digest : null,
    unbindable: binding.kind === "unbindable" ? binding.reason : null,
  };
}

function offerFromColumn(column: unknown): Offer {
  const { elevation, digest: bound, unbindable } = readOffer(column);
  return {
    elevation: elevationFromWire(elevation),
    binding:
      bound === null
        ? { kind: "unbindable", reason: unbindable ?? "body_not_bindable" }
        : { kind: "digest", digest: digest(bound) },
  };
}

function reviewsFromColumn(column: unknown): readonly Review[] {
  return readReviews(column).map((row) => ({
    id: id("review", row.id),
    reviewer: { person: { realm: row.person_realm, id: row.person_id }, groups: row.groups },
    account: row.account,
    vote: row.vote,
    narrowing: row.narrowing === null ? undefined : narrowingFromColumn(row.narrowing),
    comment: row.comment ?? undefined,
    at: instant(row.at_ms),
  }));
}
