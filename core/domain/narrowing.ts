/**
 * Approving less than was requested: fewer uses, a shorter time, a later start, `scope` → `exact`. Nothing else, so it cannot widen. If several
 * people approve with different narrowings, the grant is what all of them agreed to: in uses, in binding and in time. A later start moves the end
 * as well, so times are compared as windows: one approver's "tomorrow" does not extend another's "now, for an hour".
 */
import type { OfferBinding } from "./denial.ts";
import type { MaxUses } from "./elevation.ts";
import { type DurationMs, durationMs, earlier, type Instant, instant, plus } from "./time.ts";

/** What a grant would allow. `notBefore` undefined is "from approval on"; `notAfter` is its end at the latest, however late it is approved. */
export type Terms = {
  readonly maxUses: MaxUses;
  readonly duration: DurationMs;
  readonly notBefore: Instant | undefined;
  readonly notAfter?: Instant;
  readonly binding: "scope" | "exact";
};

/** One reviewer's "less": only what is named changes. */
export type Narrowing = {
  readonly maxUses?: MaxUses;
  readonly duration?: DurationMs;
  readonly notBefore?: Instant;
  readonly binding?: "exact";
};

type Narrowed =
  | { readonly kind: "narrowed"; readonly terms: Terms }
  | { readonly kind: "refused"; readonly reason: "widens"; readonly field: keyof Narrowing }
  | { readonly kind: "refused"; readonly reason: "not_bindable"; readonly field: "binding" };

/** Applies one narrowing to the terms that were asked for. Refused as a whole when any part of it would widen. */
export function narrow(terms: Terms, less: Narrowing, offer: OfferBinding): Narrowed {
  if (less.maxUses !== undefined && !isAtMost(less.maxUses, terms.maxUses)) return widens("maxUses");
  if (less.duration !== undefined && (less.duration > terms.duration || less.duration === 0)) return widens("duration");
  if (less.notBefore !== undefined && terms.notBefore !== undefined && less.notBefore < terms.notBefore) {
    return widens("notBefore");
  }
  if (less.binding === "exact" && offer.kind === "unbindable") {
    return { kind: "refused", reason: "not_bindable", field: "binding" };
  }
  return {
    kind: "narrowed",
    terms: {
      ...terms,
      maxUses: less.maxUses ?? terms.maxUses,
      duration: less.duration ?? terms.duration,
      notBefore: less.notBefore ?? terms.notBefore,
      binding: less.binding ?? terms.binding,
    },
  };
}

/** The latest start that can be requested or narrowed to: a grant is for something that is about to be done. */
export const MAX_START_IN: DurationMs = durationMs(7 * 24 * 3_600_000);

/** A time from `from` (inclusive) to `until` (exclusive); empty when that is not later. */
export type Window = { readonly from: Instant; readonly until: Instant };

/** When a grant of these terms can be used, were it approved at `now`: `duration` runs from its start, never from before, and to `notAfter` at most. */
export function windowOf({ notBefore, notAfter, duration }: Terms, now: Instant): Window {
  const from = notBefore === undefined || notBefore < now ? now : notBefore;
  return { from, until: earlier(plus(from, duration), notAfter) };
}

/** Terms whose start is known. */
export type Bounded = Terms & { readonly notBefore: Instant };

/**
 * What all of these terms allow, were it approved at `now`. Undefined when they have no moment in common; once they have
 * one, they keep one up to their `notAfter`, since a start that has passed gives way to `now` in all of them.
 */
export function agreed(all: readonly [Terms, ...Terms[]], now: Instant): Bounded | undefined {
  const windows = all.map((terms) => windowOf(terms, now));
  const from = instant(Math.max(...windows.map((one) => one.from)));
  const until = Math.min(...windows.map((one) => one.until));
  if (until <= from) return undefined;
  const [first] = all;
  const ends = all.flatMap(({ notAfter }) => notAfter ?? []);
  return {
    maxUses: all.reduce((least, { maxUses }) => (isAtMost(least, maxUses) ? least : maxUses), first.maxUses),
    duration: durationMs(until - from),
    notBefore: from,
    ...(ends.length === 0 ? {} : { notAfter: instant(Math.min(...ends)) }),
    binding: all.some(({ binding }) => binding === "exact") ? "exact" : "scope",
  };
}

/** Whether `terms` allow nothing beyond `limit`. */
export function isWithin(terms: Terms, limit: Terms): boolean {
  return (
    isAtMost(terms.maxUses, limit.maxUses) &&
    terms.duration > 0 &&
    terms.duration <= limit.duration &&
    (limit.notBefore === undefined || (terms.notBefore !== undefined && terms.notBefore >= limit.notBefore)) &&
    (limit.notAfter === undefined || (terms.notAfter !== undefined && terms.notAfter <= limit.notAfter)) &&
    (limit.binding === "scope" || terms.binding === "exact")
  );
}

export function isAtMost(uses: MaxUses, limit: MaxUses): boolean {
  if (limit === "unlimited") return uses === "unlimited" || isCount(uses);
  return uses !== "unlimited" && isCount(uses) && uses <= limit;
}

/** Uses are counted in a 32-bit column: a number that does not fit there is no count. */
const MAX_COUNT = 2 ** 31 - 1;

function isCount(uses: number): boolean {
  return Number.isSafeInteger(uses) && uses >= 1 && uses <= MAX_COUNT;
}

function widens(field: keyof Narrowing): Narrowed {
  return { kind: "refused", reason: "widens", field };
}
