/** Denials, and what they share with the requests made from them: the call and what an exact grant is bound to. */
import { type Static, Type } from "typebox";
import { ElevationSchema } from "../../../../core/messages/elevation-record.ts";
import { closed, Nullable, paging, Time, Uuid } from "./words.ts";

export const DenialsQuery = Type.Object(paging, closed);

export const CallBody = Type.Object(
  {
    protocol: Type.Union([Type.Literal("http"), Type.Literal("tcp"), Type.Literal("api")]),
    method: Type.String(),
    authority: Type.String(),
    path: Type.String(),
    masked_query: Type.String({ description: "Names of the parameters; their values are masked." }),
    body_bytes: Nullable(Type.Integer({ minimum: 0 })),
    source_address: Nullable(Type.String()),
  },
  closed,
);

export const BindingBody = Type.Object(
  { unbindable: Nullable(Type.String({ description: "Why an exact grant cannot be bound to this call." })) },
  {
    ...closed,
    description: "Whether this call can be bound. Hashes of it are not shown: its values could be guessed by them.",
  },
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

/** By name, so that the document describes it once; server.ts adds what this refers to. */
export const DenialRef = Type.Unsafe<Static<typeof DenialShown>>({ $ref: "Denial#" });
