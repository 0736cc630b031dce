/**
 * People at work on a set that will be killed under them, and the ledger of what they were answered: denied, asked, approved, used twice, and on to
 * the next order. Nothing is tried again after the kill: what stands in the ledger was acknowledged before it, and has to be there afterwards.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { members } from "../../sample/story/see.ts";
import { as, type Started } from "../harness/npm-start.ts";

export type Ledger = {
  /** Ids of answered denials, each with its decision; the approval service does not know yet who was told to ask. */
  readonly decisions: Set<string>;
  /** Denials that nobody has asked about yet. */
  readonly denials: Set<string>;
  /** By the id of a request or grant, the types of events that the record must have of it, once each. */
  readonly events: Map<string, Set<string>>;
  /** By grant. `tried`: those that were let through, and those without an answer, which may have been. */
  readonly uses: Map<string, { acknowledged: number; tried: number }>;
};

const MAX_USES = 3;
const WANTED_USES = 2;
/** Until a denial or a grant has arrived. */
const ARRIVAL_MS = 60_000;
const PAUSE_MS = 500;
/** Not known yet, asked too often, or no time: nothing has happened. */
const COME_BACK = [404, 429, 503];

export function emptyLedger(): Ledger {
  return { decisions: new Set(), denials: new Set(), events: new Map(), uses: new Map() };
}

export function acknowledgedUses(ledger: Ledger): number {
  return [...ledger.uses.values()].reduce((sum, { acknowledged }) => sum + acknowledged, 0);
}

/** Works with so many hands at once until calls are not answered any more, which has to be because of the kill: `isKilled` is asked then. */
export async function workUntilKilled(
  set: Started,
  ledger: Ledger,
  { hands, name, isKilled }: { readonly hands: number; readonly name: string; readonly isKilled: () => boolean },
): Promise<void> {
  const [dana, max] = [await as("dana", set), await as("max", set)];

  async function story(order: string): Promise<void> {
    const denied = await dana.proxy("DELETE", order);
    const { denial_id: denial } = members(denied.body, "denial_id");
    if (typeof denial !== "string") return sleep(PAUSE_MS); // there was no time, and nothing was promised
    ledger.denials.add(denial);
    ledger.decisions.add(textAt(denied.body, "decision_id"));

    const body = { denial_id: denial, justification: "the customer cancelled it" };
    const asked = await waitUntil(
      "the denial to arrive",
      ARRIVAL_MS,
      async () => {
        const answer = await dana.approvals("POST", "/v1/requests", { body });
        return !COME_BACK.includes(answer.status) && answer;
      },
      { everyMs: 250 },
    );
    const request = textAt(asked.body, "request", "id");
    ledger.denials.delete(denial);
    const told = new Set(["request.submitted"]);
    ledger.events.set(request, told);

    const vote = {
      ...{ vote: "approve", digest: textAt(asked.body, "request", "digest") },
      narrowing: { max_uses: MAX_USES },
    };
    const reviewed = await max.approvals("POST", `/v1/requests/${request}/reviews`, { body: vote });
    const grant = textAt(reviewed.body, "grant", "id");
    for (const type of ["review.recorded", "request.approved"]) told.add(type);
    ledger.events.set(grant, new Set(["grant.issued"]));
    const uses = { acknowledged: 0, tried: 0 };
    ledger.uses.set(grant, uses);

    while (uses.acknowledged < WANTED_USES && uses.tried < MAX_USES) {
      uses.tried += 1;
      const status = await waitUntil(
        "the grant to arrive",
        ARRIVAL_MS,
        async () => {
          const answer = await dana.proxy("DELETE", order);
          // A use may have been counted whose answer came too late, on a busy machine; the last one ends the grant.
          if (isUnknown(answer)) return "unknown";
          return answer.status === 403 && members(answer.body, "grant_reason")["grant_reason"] !== "spent"
            ? undefined
            : answer.status;
        },
        { everyMs: 50 },
      );
      if (status === 403) return; // spent
      if (status === 404) uses.acknowledged += 1; // the orders API says so, so that it was let through
    }
  }

  const isUnknown = ({ body }: Answer) => JSON.stringify(body).includes("redemption_unknown");

  const works = Array.from({ length: hands }, async (_, hand) => {
    for (let number = 0; ; number += 1) {
      try {
        await story(`/orders/${name}-${hand}-${number}`);
      } catch (error) {
        if (isKilled()) return;
        throw error;
      }
    }
  });
  await Promise.all(works);
}
