/**
 * The bodies of the REST interface: what is validated on the way in, and what OpenAPI says of both ways. Words are those of
 * the policies and the topics (entitlement, scope, max_uses); times are RFC 3339, lengths `10m`, ids UUIDs in lower case.
 */
import { type Static, type TSchema, Type } from "typebox";
import { DurationSchema, ElevationSchema, MaxUsesSchema } from "../../../core/messages/elevation-record.ts";

const closed = { additionalProperties: false } as const;
const Nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

const UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";
export const Uuid = Type.String({ pattern: UUID });
const Sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
const Time = Type.String({ maxLength: 40, description: "RFC 3339 with a zone." });
const EXAMPLE_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const FreeText = Type.String({ maxLength: 4_000 });
const Uses = Type.Union([Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }), Type.Literal("unlimited")]);
/** U+0000 is in no name, and no column can be asked for it. */
const Name = Type.String({ minLength: 1, maxLength: 512, pattern: "^[^\\u0000]*$" });

export const SubmitBody = Type.Object(
  {
    denial_id: Uuid,
    elevation: Type.Optional(
      Type.Object(
        { entitlement: Name, scope: Type.Optional(Name) },
        { ...closed, description: "One of the denial's elevations; the one of lowest risk when left out." },
      ),
    ),
    justification: Type.Optional(FreeText),
    requested: Type.Optional(
      Type.Object(
        {
          max_uses: Type.Optional(Uses),
          duration: Type.Optional(DurationSchema),
          not_before: Type.Optional(Time),
        },
        { ...closed, description: "Less than is offered; what is left out is taken as offered." },
      ),
    ),
  },
  {
    ...closed,
    examples: [
      {
        denial_id: "01930000-0000-7000-8000-000000000001",
        justification: "The customer was charged twice, ticket 4711.",
        requested: { max_uses: 1, duration: "10m" },
      },
    ],
  },
);

export const ReviewBody = Type.Object(
  {
    vote: Type.Union([Type.Literal("approve"), Type.Literal("deny")]),
    digest: Type.String({ pattern: "^[0-9a-f]{64}$", description: "`digest` of the request as you were shown it." }),
    narrowing: Type.Optional(
      Type.Object(
        {
          max_uses: Type.Optional(Uses),
          duration: Type.Optional(DurationSchema),
          not_before: Type.Optional(Time),
          binding: Type.Optional(Type.Literal("exact")),
        },
        { ...closed, description: "Approve less; nothing else changes." },
      ),
    ),
    comment: Type.Optional(FreeText),
  },
  {
    ...closed,
    examples: [
      { vote: "approve", digest: EXAMPLE_DIGEST, narrowing: { max_uses: 1, duration: "10m" } },
      { vote: "deny", digest: EXAMPLE_DIGEST, comment: "Wait for the end of the migration." },
    ],
  },
);

export const ReasonBody = Type.Object(
  { reason: Type.Optional(FreeText) },
  { ...closed, examples: [{ reason: "The order is shipped already." }] },
);

export const IdParams = Type.Object({ id: Uuid }, closed);

const IdempotencyKey = Type.Optional(
  Type.String({
    pattern: "^[!-~]{1,255}$",
    description: "A fresh one for each call; the same call sent again with it gives the same answer, for 24 hours.",
  }),
);
/** Of every write. Other headers are nobody's business here. */
export const WriteHeaders = Type.Object({ "idempotency-key": IdempotencyKey });
/** Of a write to one thing. */
export const ChangeHeaders = Type.Object({
  "idempotency-key": IdempotencyKey,
  "if-match": Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1_024,
      description: "`ETag` of what you saw; 412 when it is not so any more.",
    }),
  ),
});

const paging = {
  limit: Type.Optional(
    Type.String({ pattern: "^([1-9][0-9]?|1[0-9]{2}|200)$", description: "1 to 200; 50 unless given." }),
  ),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "`next` of the page before." })),
};

const Status = Type.Enum(["pending", "approved", "denied", "expired", "cancelled", "failed"]);
const State = Type.Enum(["scheduled", "active", "consumed", "expired", "revoked"]);

export const RequestsQuery = Type.Object(
  {
    view: Type.Optional(
      Type.Union([Type.Literal("mine"), Type.Literal("reviewable"), Type.Literal("all")], {
        description: "Asked by you (unless given), those that you may review, or all (security only).",
      }),
    ),
    awaiting: Type.Optional(
      Type.Literal("me", { description: "Pending ones that wait for your vote; takes the place of view." }),
    ),
    status: Type.Optional(Status),
    entitlement: Type.Optional(Name),
    ...paging,
  },
  closed,
);

export const GrantsQuery = Type.Object(
  {
    view: Type.Optional(
      Type.Union([Type.Literal("mine"), Type.Literal("all")], { description: "Yours, or all (security only)." }),
    ),
    state: Type.Optional(State),
    entitlement: Type.Optional(Name),
    ...paging,
  },
  closed,
);

export const DenialsQuery = Type.Object(paging, closed);

export const AuditQuery = Type.Object(
  {
    after: Type.Optional(
      Type.String({
        pattern: "^[0-9]{1,18}$",
        description: "`next` of the page before; from the beginning if absent.",
      }),
    ),
    limit: paging.limit,
  },
  closed,
);

export const QuarantineQuery = Type.Object(
  {
    state: Type.Optional(
      Type.Enum(["open", "taken", "all"], {
        description: "Those that nobody has replayed with success (unless given), those taken by a replay, or all.",
      }),
    ),
    topic: Type.Optional(Name),
    ...paging,
  },
  closed,
);

const PersonBody = Type.Object({ realm: Type.String(), id: Type.String() }, closed);

const CallBody = Type.Object(
  {
    protocol: Type.Union([Type.Literal("http"), Type.Literal("tcp"), Type.Literal("api")]),
    method: Type.String(),
    authority: Type.String(),
    path: Type.String(),
    masked_query: Type.String({ description: "Names of the parameters; their values are masked." }),
    body_bytes: Nullable(Type.Integer({ minimum: 0 })),
    field_hashes: Type.Record(Type.String(), Sha256),
    source_address: Nullable(Type.String()),
  },
  closed,
);

const BindingBody = Type.Object(
  { digest: Nullable(Sha256), unbindable: Nullable(Type.String()) },
  { ...closed, description: "What an exact grant would be bound to, or why it cannot be." },
);

const TermsBody = Type.Object(
  {
    max_uses: MaxUsesSchema,
    duration: DurationSchema,
    not_before: Nullable(Time),
    binding: Type.Union([Type.Literal("scope"), Type.Literal("exact")]),
  },
  closed,
);

/** A tree; its shape is in docs/approval-lifecycle.md. */
const RequirementBody = Type.Unsafe<unknown>({
  description:
    "Who must agree: {group}, {person}, or all_of, any_of, n_of over such, or stages of those; null when nobody has to.",
});

const LimitsBody = Type.Object(
  { max_uses: Nullable(MaxUsesSchema), max_duration: Nullable(DurationSchema) },
  { ...closed, description: "The most that is granted, whatever was asked and whoever approves." },
);

const ReviewShown = Type.Object(
  {
    id: Uuid,
    reviewer: PersonBody,
    vote: Type.Union([Type.Literal("approve"), Type.Literal("deny")]),
    narrowing: Type.Unsafe<unknown>({ description: "What the reviewer took away; null for nothing." }),
    comment: Nullable(Type.String()),
    at: Time,
  },
  closed,
);

export const RequestShown = Type.Object(
  {
    id: Uuid,
    status: Status,
    status_reason: Nullable(Type.String()),
    denial_id: Uuid,
    digest: Sha256,
    requester: Type.Object(
      {
        person: Nullable(PersonBody),
        issuer: Type.String(),
        subject: Type.String(),
        actors: Type.Array(Type.Object({ issuer: Type.String(), id: Type.String() }, closed)),
      },
      closed,
    ),
    call: CallBody,
    elevation: ElevationSchema,
    binding: BindingBody,
    justification: Type.String(),
    requested: TermsBody,
    requirement: RequirementBody,
    limits: Nullable(LimitsBody),
    policy_revision: Type.String(),
    created_at: Time,
    expires_at: Time,
    decided_at: Nullable(Time),
    reviews: Type.Array(ReviewShown),
  },
  { ...closed, $id: "Request" },
);

export const GrantShown = Type.Object(
  {
    id: Uuid,
    request_id: Uuid,
    denial_id: Uuid,
    person: Nullable(PersonBody),
    issuer: Type.String(),
    subject: Type.String(),
    entitlement: Type.String(),
    scope: Type.String(),
    binding: Type.Object(
      {
        kind: Type.Union([Type.Literal("scope"), Type.Literal("exact")]),
        digest: Nullable(Sha256),
        bind_headers: Type.Array(Type.String()),
      },
      closed,
    ),
    state: State,
    uses: Type.Integer({ minimum: 0 }),
    max_uses: MaxUsesSchema,
    not_before: Time,
    expires_at: Time,
  },
  { ...closed, $id: "Grant" },
);

export const DenialShown = Type.Object(
  {
    id: Uuid,
    minted_at: Time,
    expires_at: Time,
    call: CallBody,
    elevations: Type.Array(Type.Object({ elevation: ElevationSchema, binding: BindingBody }, closed)),
    policy_revision: Type.String(),
  },
  { ...closed, $id: "Denial" },
);

export const QuarantinedShown = Type.Object(
  {
    id: Uuid,
    topic: Type.String(),
    partition: Type.Integer({ minimum: 0 }),
    offset: Type.String({ description: "Where it stood, decimal." }),
    key: Nullable(Type.String({ description: "Masked unless it is of the form that our keys have." })),
    key_id: Nullable(Type.String({ description: "The signing key that the record names." })),
    bytes: Nullable(Type.Integer({ minimum: 0, description: "Null for a record without a value." })),
    reason: Type.String({ description: "Why it was set aside, a code." }),
    detail: Type.String({ description: "The place that was at fault; never a value." }),
    quarantined_at: Time,
    taken_at: Nullable(Time),
    refused_replays: Type.Integer({ minimum: 0 }),
    last_refusal: Nullable(Type.Object({ at: Time, reason: Type.String(), detail: Type.String() }, closed)),
  },
  { ...closed, $id: "QuarantinedRecord" },
);

/** By name, so that the document describes each once; server.ts adds what they refer to. */
export const RequestRef = Type.Unsafe<Static<typeof RequestShown>>({ $ref: "Request#" });
export const GrantRef = Type.Unsafe<Static<typeof GrantShown>>({ $ref: "Grant#" });
export const DenialRef = Type.Unsafe<Static<typeof DenialShown>>({ $ref: "Denial#" });
export const QuarantinedRef = Type.Unsafe<Static<typeof QuarantinedShown>>({ $ref: "QuarantinedRecord#" });

export const QuarantinedWithPayload = Type.Object(
  {
    record: QuarantinedRef,
    payload: Type.Unsafe<unknown>({
      description:
        "`json` with the record's members, `not_json`, or `none`. Values that could be a secret are masked; the database keeps the bytes.",
    }),
    sha256: Nullable(Sha256),
  },
  closed,
);

export const ReplayShown = Type.Object(
  {
    outcome: Type.Union([Type.Literal("taken"), Type.Literal("refused")], {
      description: "`taken`: its effect is committed, by this replay or an earlier one. `refused`: it stays set aside.",
    }),
    reason: Nullable(Type.String()),
    detail: Nullable(Type.String()),
    record: QuarantinedRef,
  },
  closed,
);

export const RequestWithGrant = Type.Object({ request: RequestRef, grant: Nullable(GrantRef) }, closed);

const SetsBody = (description: string) =>
  Type.Array(
    Type.Union([
      Type.Object({ group: Type.Object({ realm: Type.String(), name: Type.String() }, closed) }, closed),
      Type.Object({ person: PersonBody }, closed),
    ]),
    { description },
  );

export const Approvers = Type.Object(
  {
    requirement: RequirementBody,
    sets: SetsBody("All who may review it."),
    waiting_for: SetsBody("Those whose turn it is: of the stage that is open; nobody when it has ended."),
    approved_by: Type.Array(PersonBody),
  },
  closed,
);

export const AuditPage = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          sequence: Type.String({ description: "Order of arrival; only grows, may have gaps." }),
          log: Type.String(),
          index: Type.String(),
          event: Type.Unsafe<unknown>({ description: "A CloudEvent, as on the audit topic." }),
        },
        closed,
      ),
    ),
    next: Type.String({ description: "Give it as `after` to go on; the same as before when nothing is new." }),
  },
  closed,
);

export function PageOf<S extends TSchema>(item: S) {
  return Type.Object(
    { items: Type.Array(item), next: Nullable(Type.String({ description: "`cursor` of the page after." })) },
    closed,
  );
}

export const ProblemShown = Type.Object(
  {
    type: Type.String({ description: "Where this service says what it means: /v1/problems/<code>." }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: "What to do." }),
    code: Type.String(),
    request_id: Type.String({ pattern: UUID, description: "Under it the log knows this call." }),
    errors: Type.Optional(
      Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }, closed), {
        description: "The fields at fault: a JSON pointer into the body, or below /querystring, /params or /headers.",
      }),
    ),
    grant_id: Type.Optional(Uuid),
  },
  { ...closed, $id: "Problem" },
);
export const ProblemRef = Type.Unsafe<Static<typeof ProblemShown>>({ $ref: "Problem#" });

/** One row of docs/problems.md. */
export const ProblemDocument = Type.Object(
  {
    type: Type.String(),
    code: Type.String(),
    status: Type.Integer(),
    title: Type.String(),
    detail: Type.String(),
    pointer: Nullable(Type.String()),
    retry_after_seconds: Nullable(Type.Integer()),
  },
  closed,
);
export const CodeParams = Type.Object({ code: Type.String({ pattern: "^[a-z_]{1,64}$" }) }, closed);

export type SubmitBody = Static<typeof SubmitBody>;
export type ReviewBody = Static<typeof ReviewBody>;
