/**
 * An elevation on the wire: the keys that a policy writes, with defaults filled in. Used in denials and answers, so that policy author, requester
 * and reviewer read the same words. The request digest has a layout of its own (core/domain/request-digest.ts): what is added here must not
 * change what was agreed to.
 */
import { type Static, Type } from "typebox";
import type { Elevation } from "../domain/elevation.ts";
import { AppError } from "../domain/app-error.ts";
import { formatDuration, parseDuration } from "../domain/time.ts";

const closed = { additionalProperties: false } as const;

const DisplayLineSchema = Type.Object({ label: Type.String(), value: Type.String() }, closed);

export const MaxUsesSchema = Type.Union([Type.Integer({ minimum: 1 }), Type.Literal("unlimited")]);

export const DurationSchema = Type.String({ pattern: "^\\d{1,9}[smh]$" });

export const ElevationSchema = Type.Object(
  {
    entitlement: Type.String({ minLength: 1 }),
    scope: Type.String({ minLength: 1 }),
    title: Type.String({ minLength: 1 }),
    display: Type.Array(DisplayLineSchema),
    approvers_hint: Type.Union([Type.String(), Type.Null()]),
    risk: Type.Union([Type.Literal("low"), Type.Literal("medium"), Type.Literal("high")]),
    binding: Type.Union([Type.Literal("scope"), Type.Literal("exact")]),
    bind_headers: Type.Array(Type.String(), { maxItems: 8 }),
    max_uses: MaxUsesSchema,
    max_duration: DurationSchema,
    justification: Type.Object({ required: Type.Boolean(), min_length: Type.Integer({ minimum: 0 }) }, closed),
  },
  closed,
);

type ElevationRecord = Static<typeof ElevationSchema>;

export function elevationToWire(elevation: Elevation): ElevationRecord {
  return {
    entitlement: elevation.entitlement,
    scope: elevation.scope,
    title: elevation.title,
    display: elevation.display.map((line) => ({ ...line })),
    approvers_hint: elevation.approversHint ?? null,
    risk: elevation.risk,
    binding: elevation.binding,
    bind_headers: [...elevation.bindHeaders],
    max_uses: elevation.maxUses,
    max_duration: formatDuration(elevation.maxDuration),
    justification: { required: elevation.justification.required, min_length: elevation.justification.minLength },
  };
}

/** @throws AppError invalid_record when the duration is out of range. */
export function elevationFromWire(wire: ElevationRecord): Elevation {
  const maxDuration = parseDuration(wire.max_duration);
  if (maxDuration === undefined) throw new AppError("invalid_record", "max_duration is out of range");
  return {
    entitlement: wire.entitlement,
    scope: wire.scope,
    title: wire.title,
    display: wire.display,
    approversHint: wire.approvers_hint ?? undefined,
    risk: wire.risk,
    binding: wire.binding,
    bindHeaders: wire.bind_headers,
    maxUses: wire.max_uses,
    maxDuration,
    justification: { required: wire.justification.required, minLength: wire.justification.min_length },
  };
}
