/** Requests: submitting, listing and showing them. */
import { type Static, Type } from "typebox";
import { DurationSchema, ElevationSchema, MaxUsesSchema } from "../../../../core/messages/elevation-record.ts";
import { BindingBody, CallBody } from "./denials.ts";
import { GrantRef } from "./grants.ts";
import { RequirementBody, ReviewShown } from "./reviews.ts";
import {
  ActorBody,
  closed,
  FreeText,
  Name,
  Nullable,
  PersonBody,
  paging,
  Scope,
  Sha256,
  Time,
  Uses,
  Uuid,
} from "./words.ts";

export const SubmitBody = Type.Object(
  {
    denial_id: Type.Optional(Uuid),
    binding_token: Type.Optional(
      Type.String({
        maxLength: 16_384,
        description:
          "Of an AuthZEN denial: points to it as `denial_id` does. One of the two has to be there; both have to agree.",
      }),
    ),
    elevation: Type.Optional(
      Type.Object(
        { entitlement: Name, scope: Type.Optional(Scope) },
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
          not_after: Type.Optional(
            Type.String({
              maxLength: 40,
              description: "RFC 3339 with a zone: the end at the latest, however late it is approved.",
            }),
          ),
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

export const RequestStatus = Type.Enum(["pending", "approved", "denied", "expired", "cancelled", "failed"]);

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
    status: Type.Optional(RequestStatus),
    entitlement: Type.Optional(Name),
    denial_id: Type.Optional(Uuid),
    ...paging,
  },
  closed,
);

const TermsBody = Type.Object(
  {
    max_uses: MaxUsesSchema,
    duration: DurationSchema,
    not_before: Nullable(Time),
    not_after: Type.Optional(
      Type.String({
        maxLength: 40,
        description: "Where there is one, the end at the latest, however late it is approved.",
      }),
    ),
    binding: Type.Union([Type.Literal("scope"), Type.Literal("exact")]),
  },
  closed,
);

const LimitsBody = Type.Object(
  { max_uses: Nullable(MaxUsesSchema), max_duration: Nullable(DurationSchema) },
  { ...closed, description: "The most that is granted, whatever was asked and whoever approves." },
);

const RequesterBody = Type.Object(
  { person: Nullable(PersonBody), issuer: Type.String(), subject: Type.String(), actors: Type.Array(ActorBody) },
  closed,
);

export const RequestShown = Type.Object(
  {
    id: Uuid,
    status: RequestStatus,
    status_reason: Nullable(Type.String()),
    denial_id: Uuid,
    digest: Sha256,
    requester: RequesterBody,
    submitted_by: Type.Union([RequesterBody, Type.Null()], {
      description: "Whoever submitted it, when that was not the requester, in person or through the same actors.",
    }),
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

/** By name, so that the document describes it once; server.ts adds what this refers to. */
export const RequestRef = Type.Unsafe<Static<typeof RequestShown>>({ $ref: "Request#" });

export const RequestWithGrant = Type.Object({ request: RequestRef, grant: Nullable(GrantRef) }, closed);

export type SubmitBody = Static<typeof SubmitBody>;
