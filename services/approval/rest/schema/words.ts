/**
 * Building blocks of the REST bodies. Names are those of policies and topics (entitlement, scope, max_uses); times are RFC 3339, durations `10m`,
 * ids lower-case UUIDs. Each resource has a file beside this one: what is validated in requests, and what OpenAPI says about both directions.
 */
import { type TSchema, Type } from "typebox";
import { MAX_SCOPE_LENGTH } from "../../../../core/domain/elevation.ts";

export const closed = { additionalProperties: false } as const;

export const Nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

export const UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";

export const Uuid = Type.String({ pattern: UUID });

export const Sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });

export const Time = Type.String({ maxLength: 40, description: "RFC 3339 with a zone." });

export const FreeText = Type.String({ maxLength: 4_000 });

export const Uses = Type.Union([Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }), Type.Literal("unlimited")]);

/** No name contains U+0000, which no column can compare. */
export const Name = Type.String({ minLength: 1, maxLength: 512, pattern: "^[^\\u0000]*$" });

export const Scope = Type.String({ minLength: 1, maxLength: MAX_SCOPE_LENGTH, pattern: "^[^\\u0000]*$" });

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

/** Of every write. Other headers are ignored. */
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

export const paging = {
  limit: Type.Optional(
    Type.String({
      pattern: "^([1-9][0-9]?|1[0-9]{2}|200)$",
      description:
        "1 to 200; 50 unless given. A page may hold fewer, although there are more: it ends at about 1 MB, too.",
    }),
  ),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "`next` of the page before." })),
};

export const PersonBody = Type.Object({ realm: Type.String(), id: Type.String() }, closed);

/** Of a chain of actors: the current one first. */
export const ActorBody = Type.Object({ issuer: Type.String(), id: Type.String() }, closed);

export function PageOf<S extends TSchema>(item: S) {
  return Type.Object(
    {
      items: Type.Array(item),
      next: Nullable(
        Type.String({
          description:
            "`cursor` of the page after; null on the last. It alone says whether there are more, and not how many came.",
        }),
      ),
    },
    closed,
  );
}
