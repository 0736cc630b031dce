/** Reviews: one person's vote on a request, and who may cast it. */
import { type Static, Type } from "typebox";
import { DurationSchema } from "../../../../core/messages/elevation-record.ts";
import { closed, FreeText, Nullable, PersonBody, Time, Uses, Uuid } from "./words.ts";

const EXAMPLE_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

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

export const ReviewShown = Type.Object(
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

/** A tree; its shape is in docs/approval-lifecycle.md. */
export const RequirementBody = Type.Unsafe<unknown>({
  description:
    "Who must agree: {group}, {person}, or all_of, any_of, n_of over such, or stages of those; null when nobody has to.",
});

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
    approved_by: Type.Array(PersonBody, {
      description:
        "While it waits, who has approved so far; once it is approved, whose approval counted when the grant was issued; else nobody. Every vote is in the request's `reviews`.",
    }),
  },
  closed,
);

export type ReviewBody = Static<typeof ReviewBody>;
