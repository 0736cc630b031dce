/**
 * Load under which services may die at any moment, and the ledger of what was acknowledged under it: people who are denied, ask, approve,
 * use, revoke and let grants lapse; readers; and somebody who writes what nobody can read. What gets no answer is done again, as a
 * person would; only what was answered stands in the ledger.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { TOPICS } from "../../../core/messages/topics.ts";
import { REASON } from "../../../sample/story/ask.ts";
import { members } from "../../../sample/story/see.ts";
import { type Answer, textAt } from "../../../platform/programs/client.ts";
import type { System } from "../../harness/system.ts";
import { createForger } from "../forging.ts";

export type Ledger = {
  readonly denials: Set<string>;
  readonly decisions: Set<string>;
  /** By request id, the types of events that the record must have of it, once each. */
  readonly requests: Map<string, Set<string>>;
  /** By grant id. */
  readonly grants: Map<string, Set<string>>;
  /** Records written that nobody can read. */
  forged: number;
  /** Calls that were made again: no answer, or one that says to come back. */
  again: number;
};

type Traffic = { readonly ledger: Ledger; stop(): Promise<void> };

const PAUSE_MS = 30;

export async function startTraffic(system: System): Promise<Traffic> {
  const ledger: Ledger = {
    ...{ denials: new Set(), decisions: new Set(), requests: new Map(), grants: new Map(), forged: 0, again: 0 },
  };
  let on = true;
  let number = 0;
  // Each by a token of its own time: a soak outlives one.
  const dana = () => system.as("dana");
  const max = () => system.as("max");

  /** Again until somebody answers who knows; undefined when told to stop meanwhile. */
  async function surely(
    call: () => Promise<Answer>,
    again: (answer: Answer) => boolean | Promise<boolean>,
  ): Promise<Answer | undefined> {
    while (on) {
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

  async function story(kind: "use" | "revoke" | "lapse"): Promise<void> {
    number += 1;
    const order = `/orders/crash-${number}`;
    const { proxy, approvals } = await dana();
    const denied = await surely(
      () => proxy("DELETE", order),
      ({ status }) => status !== 403,
    );
    if (denied === undefined) return;
    const body = { denial_id: textAt(denied.body, "denial_id"), justification: REASON };
    const submitted = await surely(
      () => approvals("POST", "/v1/requests", { body }),
      ({ status }) => status === 404,
    );
    if (submitted === undefined) return;
    const request = textAt(submitted.body, "request", "id");
    const told = new Set(["request.submitted"]);
    ledger.requests.set(request, told);

    const reviewer = await max();
    const narrowing = kind === "lapse" ? { max_uses: 1, duration: "1s" } : { max_uses: 1, duration: "30m" };
    const digest = textAt(submitted.body, "request", "digest");
    const vote = () =>
      reviewer.approvals("POST", `/v1/requests/${request}/reviews`, { body: { vote: "approve", digest, narrowing } });
    // A vote whose answer was lost had been counted: 409 then.
    const voted = await surely(vote, ({ status }) => status !== 200 && status !== 409);
    if (voted === undefined) return;
    for (const type of ["review.recorded", "request.approved"]) told.add(type);
    const seen = await surely(
      () => reviewer.approvals("GET", `/v1/requests/${request}`),
      ({ status }) => status !== 200,
    );
    if (seen === undefined) return;
    const grant = textAt(seen.body, "grant", "id");
    const steps = new Set(["grant.issued"]);
    ledger.grants.set(grant, steps);
    if (kind === "lapse") {
      steps.add("grant.expired");
    } else if (kind === "revoke") {
      const revoke = () => reviewer.approvals("POST", `/v1/grants/${grant}/revoke`, { body: {} });
      const revoked = await surely(revoke, ({ status }) => status !== 200 && status !== 409);
      if (revoked !== undefined) steps.add("grant.revoked");
    } else {
      const isUsed = async () => {
        const now = await surely(
          () => reviewer.approvals("GET", `/v1/grants/${grant}`),
          ({ status }) => status !== 200,
        );
        return now === undefined || textAt(now.body, "state") !== "active";
      };
      // Let through, or spent by a call whose answer was lost. Before the grant has arrived, a call is only denied.
      await surely(
        () => proxy("DELETE", order),
        async ({ status }) => status === 403 && !(await isUsed()),
      );
    }
  }

  async function whileOn(work: () => Promise<unknown>, pauseMs: number): Promise<void> {
    while (on) {
      await work();
      await sleep(pauseMs);
    }
  }

  const forger = createForger(system.kafka.settings);
  const garbage = async () => {
    await forger.write({ topic: TOPICS.denials.name, key: "nobody", value: Buffer.from(`garbage ${ledger.forged}`) });
    ledger.forged += 1;
  };
  const read = async () => {
    const { proxy } = await dana();
    await surely(
      () => proxy("PUT", "/orders/42", { body: {} }),
      () => false,
    );
  };
  const hands = Promise.all([
    whileOn(() => story("use"), 0),
    whileOn(() => story("use"), 0),
    whileOn(() => story("revoke"), 0),
    whileOn(() => story("lapse"), PAUSE_MS),
    whileOn(read, PAUSE_MS),
    whileOn(garbage, 200),
  ]);
  hands.catch(() => {}); // a test that fails first leaves them to the end of the system
  return {
    ledger,
    async stop() {
      on = false;
      await hands;
      await forger[Symbol.asyncDispose]();
    },
  };
}
