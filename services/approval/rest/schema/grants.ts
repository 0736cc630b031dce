/** Grants: listing and showing them. */
import { type Static, Type } from "typebox";
import { MaxUsesSchema } from "../../../../core/messages/elevation-record.ts";
import { ActorBody, closed, Name, Nullable, PersonBody, paging, Time, Uuid } from "./words.ts";

const State = Type.Enum(["scheduled", "active", "consumed", "expired", "revoked"]);

export const GrantsQuery = Type.Object(
  {
    view: Type.Optional(
      Type.Union([Type.Literal("mine"), Type.Literal("reviewable"), Type.Literal("all")], {
        description:
          "Yours (unless given), those that you may revoke (yours, an agent's of yours, and of requests that you may review; without `state` only those that are not over: `scheduled` and `active`), or all (security only).",
      }),
    ),
    state: Type.Optional(State),
    entitlement: Type.Optional(Name),
    ...paging,
  },
  closed,
);

export const GrantShown = Type.Object(
  {
    id: Uuid,
    request_id: Uuid,
    denial_id: Uuid,
    person: Nullable(PersonBody),
    issuer: Type.String(),
    subject: Type.String(),
    actors: Type.Array(ActorBody),
    entitlement: Type.String(),
    scope: Type.String(),
    binding: Type.Object(
      {
        kind: Type.Union([Type.Literal("scope"), Type.Literal("exact")]),
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

/** By name, so that the document describes it once; server.ts adds what this refers to. */
export const GrantRef = Type.Unsafe<Static<typeof GrantShown>>({ $ref: "Grant#" });
