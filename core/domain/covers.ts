/**
 * Which live grants cover this very request. A grant matches (issuer, subject, actors, entitlement, scope) of a *current* elevation by equality:
 * the policy is evaluated again at every use, and what it no longer offers is not covered. An exact grant must also match the digest. An
 * elevation that has become `exact` is not covered by a grant on scope alone, nor by one that binds fewer headers than the policy asks for now.
 *
 * Candidates come in the order in which they should be tried: windows before limited uses (a window costs nothing), earliest expiry first.
 * Without any, the nearest miss tells the requester why.
 */
import { type Acting, sameCaller } from "./actor-chain.ts";
import { compareText, type Elevation } from "./elevation.ts";
import { CLOCK_TOLERANCE_MS, type Freshness } from "./freshness.ts";
import { type Grant, type GrantEnd, whyNotUsable } from "./grant.ts";
import type { Digest } from "./id.ts";
import { earlier, type Instant, instant } from "./time.ts";

/** Why an elevated call was not allowed although something like a grant is known. */
export type GrantReason = GrantEnd | "not_yet_active" | "outside" | "use_by_enforce";

export type Candidate = { readonly elevation: Elevation; readonly grant: Grant; readonly digest: Digest | undefined };

export type Covering =
  | { readonly kind: "covered"; readonly candidates: readonly [Candidate, ...Candidate[]] }
  /** `begins`: of `not_yet_active`, when the first of those begins. */
  | { readonly kind: "uncovered"; readonly nearest: GrantReason | undefined; readonly begins?: Instant };

export type CoveringInput = {
  /** Whose call it is. */
  readonly account: Acting;
  readonly elevations: readonly Elevation[];
  /** Those of others cover nothing; leave them out where there are many. */
  readonly grants: readonly Grant[];
  readonly at: Extract<Freshness, { kind: "fresh" }>;
  /** The digest of this request under these bound headers; undefined when it cannot be bound. */
  readonly digestOf: (bindHeaders: readonly string[]) => Digest | undefined;
};

export function covering({ account, elevations, grants, at, digestOf }: CoveringInput): Covering {
  const candidates: Candidate[] = [];
  let nearest: GrantReason | undefined;
  let begins: Instant | undefined;
  for (const elevation of elevations) {
    for (const grant of grants) {
      if (!sameCaller(grant, account)) continue;
      const match = matchOne(elevation, grant, at, digestOf);
      if (match.kind === "candidate") candidates.push(match.candidate);
      else nearest = nearer(nearest, match.reason);
      if (match.kind === "miss" && match.reason === "not_yet_active") begins = earlier(grant.notBefore, begins);
    }
  }
  const [first, ...rest] = candidates.sort(inOrderOfTrial);
  if (first !== undefined) return { kind: "covered", candidates: [first, ...rest] };
  return { kind: "uncovered", nearest, ...(begins === undefined ? {} : { begins }) };
}

type Match =
  | { readonly kind: "candidate"; readonly candidate: Candidate }
  | { readonly kind: "miss"; readonly reason: GrantReason | undefined };

function matchOne(
  elevation: Elevation,
  grant: Grant,
  at: CoveringInput["at"],
  digestOf: CoveringInput["digestOf"],
): Match {
  if (grant.entitlement !== elevation.entitlement) return { kind: "miss", reason: undefined };
  const digest = grant.binding.kind === "exact" ? digestOf(grant.binding.bindHeaders) : undefined;
  const matches = grant.scope === elevation.scope && bindingMatches(elevation, grant, digest);
  const why = whyNotLive(grant, at);
  if (why === "not_yet_active") return { kind: "miss", reason: matches ? why : undefined };
  if (!matches) return { kind: "miss", reason: why === undefined ? "outside" : undefined };
  return why === undefined
    ? { kind: "candidate", candidate: { elevation, grant, digest } }
    : { kind: "miss", reason: why };
}

function bindingMatches(elevation: Elevation, grant: Grant, digest: Digest | undefined): boolean {
  const { binding } = grant;
  if (binding.kind === "scope") return elevation.binding === "scope";
  const bindsEnough =
    elevation.binding === "scope" || elevation.bindHeaders.every((name) => binding.bindHeaders.includes(name));
  return bindsEnough && digest !== undefined && digest === binding.digest;
}

/**
 * A grant is live ⇔ active (or scheduled with `notBefore ≤ max T`), and not within 2 s of its end by the estimated
 * server time. NB: its beginning is judged by the older of the two times and its end by the newer one.
 */
function whyNotLive(grant: Grant, at: CoveringInput["at"]): ReturnType<typeof whyNotUsable> {
  const end: Instant = instant(at.serverNow + CLOCK_TOLERANCE_MS);
  const atEnd = whyNotUsable(grant, end);
  if (atEnd !== undefined && atEnd !== "not_yet_active") return atEnd;
  return at.databaseTime < grant.notBefore ? "not_yet_active" : undefined;
}

function inOrderOfTrial(a: Candidate, b: Candidate): number {
  const limitedA = a.grant.maxUses === "unlimited" ? 0 : 1;
  const limitedB = b.grant.maxUses === "unlimited" ? 0 : 1;
  return limitedA - limitedB || a.grant.expiresAt - b.grant.expiresAt || compareText(a.grant.id, b.grant.id);
}

/** Nearest first: a grant for this very thing that is to begin or has ended says more than one for something else. */
const NEARNESS: readonly GrantReason[] = ["use_by_enforce", "not_yet_active", "spent", "revoked", "expired", "outside"];

export function nearer(a: GrantReason | undefined, b: GrantReason | undefined): GrantReason | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return NEARNESS.indexOf(a) <= NEARNESS.indexOf(b) ? a : b;
}
