/**
 * What each entrypoint may return, as schemas: they validate results, and `scripts/generate-rego-schema.ts` writes them for policy authors.
 * Everything is closed: an unknown key is a fault, so that a misspelt `bindng` cannot fall back to a default.
 */
import { type Static, Type } from "typebox";
import { MAX_REASON_LENGTH, MAX_SCOPE_LENGTH } from "../../domain/elevation.ts";

const closed = { additionalProperties: false } as const;
const Name = Type.String({ minLength: 1, maxLength: 256 });

const ElevationResult = Type.Object(
  {
    entitlement: Name,
    scope: Type.String({ minLength: 1, maxLength: MAX_SCOPE_LENGTH }),
    title: Type.String({ minLength: 1, maxLength: 256 }),
    max_duration: Type.String({ pattern: "^\\d{1,9}[smh]$" }),
    display: Type.Optional(
      // How much of it there may be is in core/policy/decision-result.ts.
      Type.Array(Type.Object({ label: Type.String({ minLength: 1 }), value: Type.String() }, closed)),
    ),
    approvers_hint: Type.Optional(Type.String({ maxLength: 256 })),
    risk: Type.Optional(Type.Union([Type.Literal("low"), Type.Literal("medium"), Type.Literal("high")])),
    binding: Type.Optional(Type.Union([Type.Literal("scope"), Type.Literal("exact")])),
    bind_headers: Type.Optional(
      Type.Array(Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9a-z-]+$", maxLength: 128 }), { maxItems: 8 }),
    ),
    max_uses: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1, maximum: 1_000_000_000 }), Type.Literal("unlimited")]),
    ),
    justification: Type.Optional(
      Type.Object(
        {
          required: Type.Optional(Type.Boolean()),
          min_length: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_REASON_LENGTH })),
        },
        closed,
      ),
    ),
  },
  closed,
);

const HeaderValue = Type.Union([Type.String(), Type.Array(Type.String())]);
const Headers = Type.Record(Type.String(), HeaderValue);

/** What a package may say as `response`: the fields of opa-envoy-plugin that every enforcer can honour. */
const ResponseResult = Type.Object(
  {
    headers: Type.Optional(Headers),
    response_headers_to_add: Type.Optional(Headers),
    request_headers_to_remove: Type.Optional(Type.Array(Type.String())),
  },
  closed,
);

export const DecisionResult = Type.Object(
  {
    outcome: Type.Union([
      Type.Literal("deny"),
      Type.Literal("elevate"),
      Type.Literal("allow"),
      Type.Literal("no_rule_matched"),
    ]),
    reasons: Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 256 }),
    elevations: Type.Array(ElevationResult),
    responses: Type.Array(ResponseResult, { maxItems: 64 }),
    /** Names of context that a package requires and that is absent or stale. */
    context_missing: Type.Array(Type.String()),
    /** Packages whose rules are not sets. */
    malformed: Type.Array(Type.String()),
  },
  closed,
);

/** NB: no column takes U+0000; a policy that made one from a path would fail at every try and block a partition. */
const WITHOUT_NUL = "^[^\\u0000]*$";
const Reason = Type.String({ minLength: 1, maxLength: 1024, pattern: WITHOUT_NUL });

const Length = Type.String({ pattern: "^\\d{1,9}[smh]$" });
const Told = Type.Array(Type.String({ minLength: 1, maxLength: 256, pattern: WITHOUT_NUL }), { maxItems: 16 });
const LimitsResult = Type.Object(
  {
    max_uses: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1, maximum: 1_000_000_000 }), Type.Literal("unlimited")]),
    ),
    max_duration: Type.Optional(Length),
  },
  closed,
);

/** The tree itself is checked by its translator: schemas for recursive data would be harder to read than that. */
export const RouteToReviewers = Type.Object(
  {
    requirement: Type.Unknown(),
    expires_in: Type.Optional(Length),
    limits: Type.Optional(LimitsResult),
    notify: Type.Optional(Told),
    escalate: Type.Optional(Type.Object({ after: Length, notify: Told }, closed)),
  },
  closed,
);

export const RouteDecided = Type.Object(
  {
    decide: Type.Union([Type.Literal("approve"), Type.Literal("deny")]),
    reason: Reason,
    limits: Type.Optional(LimitsResult),
  },
  closed,
);

export const MayReviewResult = Type.Object(
  { allowed: Type.Boolean(), reasons: Type.Array(Reason, { maxItems: 64 }) },
  closed,
);

export type LimitsWire = Static<typeof LimitsResult>;
export type ReviewersWire = Static<typeof RouteToReviewers>;
export type ElevationWire = Static<typeof ElevationResult>;
export type ResponseWire = Static<typeof ResponseResult>;

const CandidateEntity = Type.Object(
  {
    type: Name,
    id: Type.String({ minLength: 1, maxLength: 1024 }),
    properties: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  closed,
);

/** What searches look at: whatever the policy knows of who and what there is. Only what is sought has to be told. */
export const CandidatesResult = Type.Object(
  {
    subjects: Type.Optional(Type.Array(CandidateEntity)),
    resources: Type.Optional(Type.Array(CandidateEntity)),
    actions: Type.Optional(
      Type.Array(
        Type.Object({ name: Name, properties: Type.Optional(Type.Record(Type.String(), Type.Unknown())) }, closed),
      ),
    ),
  },
  closed,
);
