/** Terms, narrowings and limits as JSON columns: times and durations in whole milliseconds, so nothing is rounded. */
import { Type } from "typebox";
import type { Narrowing, Terms } from "../../../core/domain/narrowing.ts";
import type { Limits } from "../../../core/domain/routing.ts";
import type { Json } from "../../../core/domain/subject.ts";
import { durationMs, instant } from "../../../core/domain/time.ts";
import { MaxUsesSchema } from "../../../core/messages/elevation-record.ts";
import { createColumnReader } from "./json-column.ts";

const closed = { additionalProperties: false } as const;
const Milliseconds = Type.Integer({ minimum: 0 });

const readTerms = createColumnReader(
  "requested",
  Type.Object(
    {
      max_uses: MaxUsesSchema,
      duration_ms: Milliseconds,
      not_before_ms: Type.Union([Milliseconds, Type.Null()]),
      not_after_ms: Type.Optional(Milliseconds),
      binding: Type.Union([Type.Literal("scope"), Type.Literal("exact")]),
    },
    closed,
  ),
);

const readNarrowing = createColumnReader(
  "narrowing",
  Type.Object(
    {
      max_uses: Type.Optional(MaxUsesSchema),
      duration_ms: Type.Optional(Milliseconds),
      not_before_ms: Type.Optional(Milliseconds),
      binding: Type.Optional(Type.Literal("exact")),
    },
    closed,
  ),
);

const readLimits = createColumnReader(
  "limits",
  Type.Object(
    { max_uses: Type.Union([MaxUsesSchema, Type.Null()]), max_duration_ms: Type.Union([Milliseconds, Type.Null()]) },
    closed,
  ),
);

export function limitsToColumn({ maxUses, maxDuration }: Limits): Json {
  return { max_uses: maxUses ?? null, max_duration_ms: maxDuration ?? null };
}

/** @throws AppError invalid_record */
export function limitsFromColumn(column: unknown): Limits {
  const { max_uses, max_duration_ms } = readLimits(column);
  return {
    maxUses: max_uses ?? undefined,
    maxDuration: max_duration_ms === null ? undefined : durationMs(max_duration_ms),
  };
}

export function termsToColumn(terms: Terms): Json {
  return {
    max_uses: terms.maxUses,
    duration_ms: terms.duration,
    not_before_ms: terms.notBefore ?? null,
    ...(terms.notAfter === undefined ? {} : { not_after_ms: terms.notAfter }),
    binding: terms.binding,
  };
}

/** @throws AppError invalid_record */
export function termsFromColumn(column: unknown): Terms {
  const { max_uses, duration_ms, not_before_ms, not_after_ms, binding } = readTerms(column);
  return {
    maxUses: max_uses,
    duration: durationMs(duration_ms),
    notBefore: not_before_ms === null ? undefined : instant(not_before_ms),
    ...(not_after_ms === undefined ? {} : { notAfter: instant(not_after_ms) }),
    binding,
  };
}

export function narrowingToColumn(narrowing: Narrowing): Json {
  return {
    ...(narrowing.maxUses === undefined ? {} : { max_uses: narrowing.maxUses }),
    ...(narrowing.duration === undefined ? {} : { duration_ms: narrowing.duration }),
    ...(narrowing.notBefore === undefined ? {} : { not_before_ms: narrowing.notBefore }),
    ...(narrowing.binding === undefined ? {} : { binding: narrowing.binding }),
  };
}

/** @throws AppError invalid_record */
export function narrowingFromColumn(column: unknown): Narrowing {
  const { max_uses, duration_ms, not_before_ms, binding } = readNarrowing(column);
  return {
    ...(max_uses === undefined ? {} : { maxUses: max_uses }),
    ...(duration_ms === undefined ? {} : { duration: durationMs(duration_ms) }),
    ...(not_before_ms === undefined ? {} : { notBefore: instant(not_before_ms) }),
    ...(binding === undefined ? {} : { binding }),
  };
}
