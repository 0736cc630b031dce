/**
 * THE DECISION PATH: one evaluation, top to bottom (docs/decision-path.md). Every step that cannot be completed ends in a denial with its own
 * reason; an unexpected exception is `internal_error`. It never rejects, and allows only through core/domain/decision.ts. Only mode `enforce`
 * spends uses and publishes denials; `ask` changes nothing anywhere.
 */
import { unreachable } from "../../core/domain/app-error.ts";
import type { Candidate, GrantReason } from "../../core/domain/covers.ts";
import { nearer } from "../../core/domain/covers.ts";
import {
  type Allow,
  allowByGrant,
  type Decision,
  type Deny,
  decisionFrom,
  deny,
  type NeedsApproval,
  type Verdict,
} from "../../core/domain/decision.ts";
import type { Offer } from "../../core/domain/denial.ts";
import type { Subject } from "../../core/domain/subject.ts";
import type { Instant } from "../../core/domain/time.ts";
import type {
  Context,
  Deadline,
  Denials,
  Evaluate,
  Evaluated,
  Evaluation,
  Faults,
  Grants,
  IdentityInTurn,
  Match,
  Policy,
  Published,
  Redeemer,
} from "./ports.ts";

/** Budget for all redemptions of one decision, and the time that must be left to start one. */
const REDEEM_BUDGET_MS = 150;
const REDEEM_LEAST_MS = 50;
const PUBLISH_BUDGET_MS = 150;
/** Each is a round trip to the approval service and its database; more would not fit into the budget. */
const MAX_REDEMPTIONS = 3;

export type Ports = {
  readonly identity: IdentityInTurn;
  readonly context: Context;
  readonly policy: Policy;
  readonly grants: Grants;
  readonly redemption: Redeemer;
  readonly denials: Denials;
  readonly faults: Faults;
};

type Elevate = Extract<Verdict, { kind: "elevate" }>;

export function createEvaluate({ identity, context, policy, grants, redemption, denials, faults }: Ports): Evaluate {
  return async (evaluation, { readClocks, deadline, mode }) => {
    let known: Omit<Evaluated, "decision"> = { subject: undefined, policyRevision: undefined };
    const answer = (decision: Decision): Evaluated => ({ ...known, decision });
    try {
      if (deadline.leftMs() <= 0) return answer(deny("deadline_exceeded"));
      const shown = evaluation.vouched ?? identity.identify(evaluation.credentials, { readClocks, deadline });
      const caller = shown instanceof Promise ? await shown : shown; // no credential = anonymous
      if (caller.kind === "refused") return answer(deny(caller.reason));
      const subject = caller.kind === "subject" ? caller.subject : undefined;
      known = { subject, policyRevision: undefined };

      const clocks = readClocks();
      const gathered = context.gather(evaluation, clocks, subject);
      const judged = policy.decide({ evaluation, caller, context: gathered }, clocks, deadline);
      const { verdict, revision, fuelUsed, asked } = judged instanceof Promise ? await judged : judged;
      known = { subject, policyRevision: revision, fuelUsed, asked, country: gathered.country };
      if (deadline.leftMs() <= 0) return answer(deny("deadline_exceeded"));
      if (verdict.kind !== "elevate") return answer(decisionFrom(verdict)); // allow | deny | fault → deny
      if (subject === undefined) return answer(deny("authentication_required", [], verdict.response));
      if (revision === undefined) return answer(deny("policy_not_loaded"));

      const query = { subject, elevations: verdict.elevations, http: evaluation.call.http };
      const match = grants.covering(query, readClocks()); // live candidates in order, or why there is none
      if (match.kind === "stale") return answer(deny("grants_stale", [match.why]));
      const window = match.kind === "covered" ? match.candidates.find(isWindow) : undefined;
      if (window !== undefined) return answer(allowByGrant(verdict, { kind: "window", candidate: window }));

      let nearest: Nearest = match.kind === "uncovered" ? nearestOf(match) : {};
      if (match.kind === "covered" && mode === "ask") nearest = { grantReason: "use_by_enforce" };
      if (match.kind === "covered" && mode === "enforce") {
        const use = await redeemOne(match.candidates, verdict, { evaluation, subject, deadline });
        if (use.kind !== "refused") return answer(use);
        nearest = { grantReason: use.nearest };
      }

      const requestable = denials.offers(query);
      if (requestable.kind === "unbindable") return answer(deny(requestable.reason, [], verdict.response));
      const { offers } = requestable;
      if (mode === "ask") return answer(needsApproval(verdict, offers, nearest));
      const ask = { evaluation, subject, offers, policyRevision: revision };
      const published = await denials.publish(ask, readClocks().wall, deadline.within(PUBLISH_BUDGET_MS));
      return answer(afterPublishing(published, needsApproval(verdict, offers, nearest)));
    } catch (error) {
      faults.report(error);
      return answer(deny("internal_error"));
    }
  };

  /** Uses one of the candidates. The next is tried only after a refusal that says that this one has ended. */
  async function redeemOne(
    candidates: readonly Candidate[],
    verdict: Elevate,
    { evaluation, subject, deadline }: { evaluation: Evaluation; subject: Subject; deadline: Deadline },
  ): Promise<Allow | Deny | { readonly kind: "refused"; readonly nearest: GrantReason | undefined }> {
    const budget = deadline.within(REDEEM_BUDGET_MS);
    let nearest: GrantReason | undefined;
    for (const candidate of candidates.slice(0, MAX_REDEMPTIONS)) {
      if (budget.leftMs() < REDEEM_LEAST_MS) return deny("redemption_unavailable");
      const { elevation, grant, digest } = candidate;
      const claim = {
        redemptionId: evaluation.decisionId,
        grantId: grant.id,
        issuer: subject.issuer,
        subject: subject.id,
        actors: subject.actors,
        entitlement: elevation.entitlement,
        scope: elevation.scope,
        digest,
      };
      const outcome = await redemption.redeem(claim, budget);
      if (outcome.kind === "granted") {
        return allowByGrant(verdict, { kind: "redeemed", candidate, grant: { ...grant, uses: outcome.uses } });
      }
      if (outcome.kind === "unavailable") return deny("redemption_unavailable");
      // NB: an unknown use may have been counted, and a duplicate was: neither may be tried again with another grant.
      if (outcome.kind === "unknown" || outcome.reason === "duplicate") {
        return deny("redemption_unknown", [`grant ${grant.id}`]);
      }
      const { reason } = outcome;
      if (reason === "spent" || reason === "revoked" || reason === "expired") nearest = nearer(nearest, reason);
      else return { kind: "refused", nearest: reason === "outside" ? nearer(nearest, reason) : nearest };
    }
    return { kind: "refused", nearest };
  }
}

function isWindow({ grant }: Candidate): boolean {
  return grant.maxUses === "unlimited";
}

function needsApproval(
  verdict: Elevate,
  offers: readonly [Offer, ...Offer[]],
  { grantReason, grantBegins }: Nearest,
): NeedsApproval {
  const [first, ...rest] = offers;
  return {
    kind: "needs_approval",
    elevations: [first.elevation, ...rest.map((offer) => offer.elevation)],
    denial: undefined,
    tooManyDenials: undefined,
    grantReason,
    ...(grantBegins === undefined ? {} : { grantBegins }),
    response: verdict.response,
  };
}

/** The grant that came nearest. */
type Nearest = { readonly grantReason?: GrantReason | undefined; readonly grantBegins?: Instant | undefined };

function nearestOf({ nearest, begins }: Extract<Match, { kind: "uncovered" }>): Nearest {
  return { grantReason: nearest, grantBegins: begins };
}

function afterPublishing(published: Published, asked: NeedsApproval): Decision {
  switch (published.kind) {
    case "issued":
      return { ...asked, denial: published.denial };
    case "too_many":
      return { ...asked, tooManyDenials: { retryAfterMs: published.retryAfterMs } };
    case "not_requestable":
      return deny("not_requestable", [], asked.response);
    case "unavailable":
      return deny("request_unavailable", [], asked.response);
    default:
      throw unreachable(published satisfies never);
  }
}
