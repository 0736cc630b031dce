/** What was acknowledged to those who call, and how they call: again and again until somebody answers who knows. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, textAt } from "../../../platform/programs/client.ts";
import { REASON } from "../../../sample/story/ask.ts";
import { members } from "../../../sample/story/see.ts";
import type { System } from "../../harness/system.ts";

export type Ledger = {
  readonly denials: Set<string>;
  /** Denials that nobody will submit and whose time is over: they have to go. */
  readonly abandoned: Set<string>;
  readonly decisions: Set<string>;
  /** By request id, the types of events that the record must have of it, once each. */
  readonly requests: Map<string, Set<string>>;
  /** By grant id. */
  readonly grants: Map<string, Set<string>>;
  /** By incident id. */
  readonly incidents: Map<string, Set<string>>;
  /** Of those calls to open an incident that had no answer when the traffic stopped: it may be there. */
  incidentsUnknown: number;
  /** Requests whose reviewers had to be told once more. */
  readonly escalated: Set<string>;
  /** Records of the quarantine that were dismissed, and those that a replay took. */
  readonly dismissed: Set<string>;
  readonly replayed: Set<string>;
  /** Idempotency keys that nobody will send again. */
  readonly spentKeys: Set<string>;
  /** Records written that nobody can read. */
  forged: number;
  /** Calls that were made again: no answer, or one that says to come back. */
  again: number;
};

export function createLedger(): Ledger {
  return {
    ...{ denials: new Set(), abandoned: new Set(), decisions: new Set(), requests: new Map(), grants: new Map() },
    ...{ incidents: new Map(), incidentsUnknown: 0, escalated: new Set(), dismissed: new Set(), replayed: new Set() },
    ...{ spentKeys: new Set(), forged: 0, again: 0 },
  };
}

export const PAUSE_MS = 30;

type Again = (answer: Answer) => boolean | Promise<boolean>;

export type Hands = ReturnType<typeof createHands>;

export function createHands(system: System, ledger: Ledger, isOn: () => boolean) {
  let number = 0;
  // Each by a token of its own time: a soak outlives one.
  const dana = () => system.as("dana");

  /** Again until somebody answers who knows; undefined when told to stop meanwhile. */
  async function surely(call: () => Promise<Answer>, again: Again): Promise<Answer | undefined> {
    while (isOn()) {
      const answer = await call().catch(() => undefined);
      if (answer !== undefined) {
        const { decision_id: decision, denial_id: denial } = members(answer.body, "decision_id", "denial_id");
        if (typeof decision === "string") ledger.decisions.add(decision);
        if (typeof denial === "string" && answer.status === 403) ledger.denials.add(denial);
        if (answer.status < 500 && !(await again(answer))) return answer;
      }
      ledger.again += 1;
      await sleep(PAUSE_MS);
    }
    return undefined;
  }

  /** Looks until it is so; false when told to stop meanwhile. */
  async function until(isSo: () => Promise<boolean>): Promise<boolean> {
    while (isOn()) {
      if (await isSo().catch(() => false)) return true;
      await sleep(5 * PAUSE_MS);
    }
    return false;
  }

  /** Of a call that nobody has made before. */
  async function deny() {
    number += 1;
    const order = `/orders/crash-${number}`;
    const { proxy } = await dana();
    const denied = await surely(
      () => proxy("DELETE", order),
      ({ status }) => status !== 403,
    );
    return denied && { order, denial: textAt(denied.body, "denial_id") };
  }

  /** Denied and asked for. */
  async function submit() {
    const denied = await deny();
    if (denied === undefined) return undefined;
    const { order, denial } = denied;
    const { approvals } = await dana();
    const body = { denial_id: denial, justification: REASON };
    const submitted = await surely(
      () => approvals("POST", "/v1/requests", { body }),
      ({ status }) => status === 404,
    );
    if (submitted === undefined) return undefined;
    const request = textAt(submitted.body, "request", "id");
    const told = new Set(["request.submitted"]);
    ledger.requests.set(request, told);
    return { order, body, request, digest: textAt(submitted.body, "request", "digest"), told };
  }

  /** Denied, asked for and granted by somebody else. */
  async function grant(duration: string) {
    const submitted = await submit();
    if (submitted === undefined) return undefined;
    const { order, request, digest, told } = submitted;
    const { approvals } = await system.as("max");
    const vote = { vote: "approve", digest, narrowing: { max_uses: 1, duration } };
    // A vote whose answer was lost had been counted: 409 then.
    const voted = await surely(
      () => approvals("POST", `/v1/requests/${request}/reviews`, { body: vote }),
      ({ status }) => status !== 200 && status !== 409,
    );
    if (voted === undefined) return undefined;
    for (const type of ["review.recorded", "request.approved"]) told.add(type);
    const seen = await surely(
      () => approvals("GET", `/v1/requests/${request}`),
      ({ status }) => status !== 200,
    );
    if (seen === undefined) return undefined;
    const id = textAt(seen.body, "grant", "id");
    const steps = new Set(["grant.issued"]);
    ledger.grants.set(id, steps);
    return { order, id, steps, approvals };
  }

  return { system, ledger, isOn, dana, surely, until, deny, submit, grant };
}
