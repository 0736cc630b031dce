/**
 * The decision path with ports that answer what a test says: dana asks to delete an order, which a policy elevates, and nothing is granted
 * unless said otherwise.
 */
import type { Candidate } from "../../core/domain/covers.ts";
import { NO_RESPONSE_FIELDS, type Verdict } from "../../core/domain/decision.ts";
import type { Elevation } from "../../core/domain/elevation.ts";
import type { Grant } from "../../core/domain/grant.ts";
import { id } from "../../core/domain/id.ts";
import type { Caller, Subject } from "../../core/domain/subject.ts";
import { instant } from "../../core/domain/time.ts";
import { createEvaluate, type Ports } from "../../services/decision/evaluate.ts";
import type { Deadline, Match, Mode, Published, Redemption, Requestable } from "../../services/decision/ports.ts";
import { ELEVATION, GRANT } from "../samples/domain.ts";
import { evaluationOf } from "../samples/evaluation.ts";

const NOW = instant(1_795_478_400_000);
export const response = NO_RESPONSE_FIELDS;
export const dana: Subject = { issuer: "https://issuer.example", id: "dana", groups: [], claims: {}, actors: [] };
export const elevation: Elevation = { ...ELEVATION, maxUses: 1 };
export const elevate: Verdict = { kind: "elevate", elevations: [elevation], response };
const evaluation = evaluationOf();

export function candidate(index: number, maxUses: Grant["maxUses"] = 1): Candidate {
  const grant: Grant = { ...GRANT, id: id("grant", `01930000-0000-7000-8000-00000000000${index}`), maxUses };
  return { elevation, grant, digest: undefined };
}

/** What each port answers in one test; `redemptions` in order. `calls` shows which ports with an effect were reached. */
type World = {
  caller?: Caller;
  verdict?: Verdict;
  match?: Match;
  redemptions?: Redemption[];
  offers?: Requestable;
  published?: Published;
  leftMs?: () => number;
  ports?: Partial<Ports>;
};

export async function evaluateIn(world: World, mode: Mode = "enforce") {
  const calls: string[] = [];
  const redemptions = [...(world.redemptions ?? [])];
  const deadline: Deadline = { leftMs: world.leftMs ?? (() => 400), within: () => deadline };
  const evaluate = createEvaluate({
    identity: {
      identify: () => world.caller ?? { kind: "subject", subject: dana, expiresAt: NOW + 60_000 },
    },
    context: { gather: () => ({}) },
    policy: { decide: () => ({ verdict: world.verdict ?? elevate, revision: "r1", fuelUsed: 7 }) },
    grants: { covering: () => world.match ?? { kind: "uncovered", nearest: undefined } },
    redemption: {
      redeem(claim) {
        calls.push(`redeem ${claim.grantId.at(-1)}`);
        return Promise.resolve(redemptions.shift() ?? { kind: "unknown" });
      },
    },
    denials: {
      offers: () =>
        world.offers ?? {
          kind: "requestable",
          offers: [{ elevation, binding: { kind: "unbindable", reason: "body_not_bindable" } }],
        },
      publish() {
        calls.push("publish");
        const denial = { id: id("denial", "01930000-0000-7000-8000-000000000001"), expiresAt: NOW };
        return Promise.resolve(world.published ?? { kind: "issued", denial });
      },
    },
    faults: { report: () => calls.push("fault reported") },
    ...world.ports,
  });
  const readClocks = () => ({ wall: NOW, monoMs: 0 });
  const { decision, ...known } = await evaluate(evaluation, { readClocks, deadline, mode });
  return { decision, calls, ...known };
}

export const refused = (
  reason: "spent" | "revoked" | "expired" | "outside" | "duplicate" | "unknown_grant",
): Redemption => ({
  kind: "refused",
  reason,
});
export const covered = (first: Candidate, ...rest: Candidate[]): Match => ({
  kind: "covered",
  candidates: [first, ...rest],
});
