/**
 * An elevation is a policy's offer: this may be requested. It is closed: the translator in core/policy refuses unknown keys and fills in the
 * defaults, so everything here is explicit and covered by the request digest.
 */
import type { DurationMs } from "./time.ts";

export type Risk = "low" | "medium" | "high";

/** `"unlimited"` is a window: it costs no redemption. A number is limited use: each use is one redemption. */
export type MaxUses = number | "unlimited";

export type DisplayLine = { readonly label: string; readonly value: string };

/** Longest scope that a policy can offer, and somebody can choose. */
export const MAX_SCOPE_LENGTH = 1_024;
/** Longest reason that every way to request accepts, including the header of a call; so no policy can require a longer one. */
export const MAX_REASON_LENGTH = 2_000;

export type Elevation = {
  readonly entitlement: string;
  readonly scope: string;
  readonly title: string;
  readonly display: readonly DisplayLine[];
  readonly approversHint: string | undefined;
  readonly risk: Risk;
  readonly binding: "scope" | "exact";
  /** Lower-case names, sorted, unique; only meaningful when a digest is made. */
  readonly bindHeaders: readonly string[];
  readonly maxUses: MaxUses;
  readonly maxDuration: DurationMs;
  readonly justification: { readonly required: boolean; readonly minLength: number };
};

export const MAX_ELEVATIONS = 8;

export const ELEVATION_DEFAULTS = {
  risk: "high",
  binding: "exact",
  maxUses: 1,
  justification: { required: true, minLength: 10 },
} as const;

const RISK_ORDER: Readonly<Record<Risk, number>> = { low: 0, medium: 1, high: 2 };

/** The alternative that is used if the requester names none: lowest risk, then entitlement, then scope. */
export function defaultElevation<E extends Pick<Elevation, "risk" | "entitlement" | "scope">>(
  elevations: readonly E[],
): E | undefined {
  return [...elevations].sort(
    (a, b) =>
      RISK_ORDER[a.risk] - RISK_ORDER[b.risk] ||
      compareText(a.entitlement, b.entitlement) ||
      compareText(a.scope, b.scope),
  )[0];
}

/** Code-unit order: the same on every machine, unlike `localeCompare`. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
