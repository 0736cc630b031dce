/**
 * How whoever works under crashes calls: again and again until somebody answers who knows, as a person would. What was answered is written
 * into the ledger. The moves that several make are here: to be denied, to ask, to be granted.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, textAt } from "../../../platform/programs/client.ts";
import { REASON } from "../../../sample/story/ask.ts";
import { members } from "../../../sample/story/see.ts";
import type { System } from "../../harness/system.ts";
import type { Forger } from "../forging.ts";
import { ask } from "../state-topic.ts";
import type { Ledger } from "./ledger.ts";

export const PAUSE_MS = 30;

type Again = (answer: Answer) => boolean | Promise<boolean>;

export type Hands = ReturnType<typeof createHands>;

/** `isOn` false: whoever still tries gives up. */
export function createHands(system: System, forger: Forger, ledger: Ledger, isOn: () => boolean) {
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

  /** The same of a call under an idempotency key of its own. A call that died holds it for half a minute; nobody waits for that here. */
  async function surelyOnce(
    call: (headers: { readonly "idempotency-key": string }) => Promise<Answer>,
    again: Again,
  ): Promise<Answer | undefined> {
    const key = crypto.randomUUID();
    return surely(
      () => call({ "idempotency-key": key }),
      async (answer) => {
        const isHeld = String(members(answer.body, "type")["type"]).endsWith("idempotency_key_in_use");
        const end = "update idempotency_keys set held_until = clock_timestamp() where key = $1 and answer is null";
        if (isHeld) await ask(system, end, [key]);
        return isHeld || (await again(answer));
      },
    );
  }

  /** Looks until it is so; false when told to stop meanwhile. */
  async function until(isSo: () => Promise<boolean>): Promise<boolean> {
    while (isOn()) {
      if (await isSo()) return true;
      await sleep(PAUSE_MS);
    }
    return false;
  }

  /** Until a statement that changes one row finds it. */
  const change = (text: string, values: readonly unknown[] = []) =>
    until(async () => (await ask(system, text, values)).rowCount === 1);

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
    return { order, denial, request, digest: textAt(submitted.body, "request", "digest"), told };
  }

  /** Denied, asked for and granted by somebody else. */
  async function grant(duration = "30m") {
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

  return { ...{ system, forger, ledger, dana, surely, surelyOnce, until, change, deny, submit, grant } };
}
