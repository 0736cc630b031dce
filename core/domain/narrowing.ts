/**
 * Approving less than was asked: fewer uses, shorter, a later start, `scope` → `exact`. Nothing else, so it cannot widen.
 * When several people approve with different narrowings, the grant is what all of them agreed to.
 */
import type { OfferBinding } from "./denial.ts";
import type { MaxUses } from "./elevation.ts";
import { type DurationMs, durationMs, type Instant } from "./time.ts";

/** What a grant would allow. `notBefore` undefined is "from approval on". */
export type Terms = {
  readonly maxUses: MaxUses;
  readonly duration: DurationMs;
  readonly notBefore: Instant | undefined;
  readonly binding: "scope" | "exact";
};

/** One reviewer's "less": only what is named changes. */
export type Narrowing = {
  readonly maxUses?: MaxUses;
  readonly duration?: DurationMs;
  readonly notBefore?: Instant;
  readonly binding?: "exact";
};

export type Narrowed =
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
      maxUses: less.maxUses ?? terms.maxUses,
      duration: less.duration ?? terms.duration,
      notBefore: less.notBefore ?? terms.notBefore,
      binding: less.binding ?? terms.binding,
    },
  };
}

/** The latest start that can be asked for or narrowed to: a grant is for something that is about to be done. */
export const MAX_START_IN: DurationMs = durationMs(7 * 24 * 3_600_000);

/** What both allow: the smaller of each, the later start, exact if either says so. */
export function intersect(a: Terms, b: Terms): Terms {
  return {
    maxUses: isAtMost(a.maxUses, b.maxUses) ? a.maxUses : b.maxUses,
    duration: a.duration <= b.duration ? a.duration : b.duration,
    notBefore: later(a.notBefore, b.notBefore),
    binding: a.binding === "exact" || b.binding === "exact" ? "exact" : "scope",
  };
}

/** Whether `terms` allow nothing that `limit` does not. */
export function isWithin(terms: Terms, limit: Terms): boolean {
  return (
    isAtMost(terms.maxUses, limit.maxUses) &&
    terms.duration > 0 &&
    terms.duration <= limit.duration &&
    (limit.notBefore === undefined || (terms.notBefore !== undefined && terms.notBefore >= limit.notBefore)) &&
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

function later(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a >= b ? a : b;
}

function widens(field: keyof Narrowing): Narrowed {
  return { kind: "refused", reason: "widens", field };
}
