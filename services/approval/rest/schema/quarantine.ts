/** Quarantined records, their replay and their dismissal. */
import { type Static, Type } from "typebox";
import { closed, Name, Nullable, paging, Sha256, Time, Uuid } from "./words.ts";

export const QuarantineQuery = Type.Object(
  {
    state: Type.Optional(
      Type.Enum(["open", "taken", "dismissed", "all"], {
        description: "Those that wait for somebody (unless given), those taken by a replay, those dismissed, or all.",
      }),
    ),
    topic: Type.Optional(Name),
    ...paging,
  },
  closed,
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
    dismissed_at: Nullable(Time),
    dismissed_reason: Nullable(Type.String()),
    refused_replays: Type.Integer({ minimum: 0 }),
    last_refusal: Nullable(Type.Object({ at: Time, reason: Type.String(), detail: Type.String() }, closed)),
  },
  { ...closed, $id: "QuarantinedRecord" },
);

/** By name, so that the document describes it once; server.ts adds what this refers to. */
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

export const DismissBody = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 2_000, pattern: "^[^\\u0000]*$" }) },
  { ...closed, examples: [{ reason: "Forged: its key is nobody's; reported as incident 17." }] },
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
