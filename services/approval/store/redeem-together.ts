/**
 * The redemptions of this process: what is asked for while others are on their way goes together as one statement, since a statement and its
 * commit cost several times what one more use in it does. Who comes alone does not wait for company.
 *
 * Nobody is worse off for it. A round waits for no row: a use whose grant is locked by somebody, is used by a call before it, is asked
 * for by a statement of its own, which waits. When the server refuses a round (somebody uses a redemption id
 * again), nothing of it has happened, and each is asked for by itself. When it is not known what became of a round, each caller gets the fault,
 * as for a statement of its own.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Redeemed, RedemptionRefused } from "../../../core/domain/grant.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { Redemption } from "../ports.ts";
import type { EventSource } from "./outbox.ts";
import { type Use, useGrant, useGrants, useOf, whyNotUsed } from "./redeem-grant.ts";

type Outcome = Redeemed | RedemptionRefused;
type Waiting = { readonly use: Use; readonly settle: (outcome: Promise<Outcome>) => void };

/** One is on its way to the disk while the next is worked out. */
const ROUNDS_AT_ONCE = 2;
/** Several milliseconds of the database's time. */
const MOST_TOGETHER = 64;
/** A round that lasts longer holds up no other: the disk is slow, or the connection hangs. A caller has 150 ms. */
const LATE_MS = 20;

export function createRedemption(db: Queryable, source: EventSource): Redemption {
  const waiting: Waiting[] = [];
  /** Of the uses that wait or are on their way; a statement can use each once. */
  const grants = new Set<string>();
  let rounds = 0;

  async function alone(use: Use): Promise<Outcome> {
    return (await useGrant(db, use)) ?? whyNotUsed(db, use.claim);
  }

  function startRound(): void {
    if (waiting.length === 0 || rounds >= ROUNDS_AT_ONCE) return;
    rounds += 1;
    void round();
  }

  async function round(): Promise<void> {
    let isUnderWay = true;
    const letNext = () => {
      if (isUnderWay) rounds -= 1;
      isUnderWay = false;
      startRound();
    };
    await turn(); // whoever came with the same read of a socket comes along
    const together = waiting.splice(0, MOST_TOGETHER);
    if (together.length > 0) {
      const late = setTimeout(letNext, LATE_MS);
      const uses = together.map(({ use }) => use);
      const redeemed = useGrants(db, uses);
      for (const { use, settle } of together) settle(answer(use, redeemed));
      await redeemed.catch(() => {}); // each caller hears of it
      clearTimeout(late);
      for (const { claim } of uses) grants.delete(claim.grantId);
    }
    letNext();
  }

  async function answer(use: Use, round: ReturnType<typeof useGrants>): Promise<Outcome> {
    const tried = await round.catch((error: unknown) => {
      if (isRefusal(error)) return new Map<string, never>();
      throw error;
    });
    const outcome = tried.get(use.claim.grantId);
    if (outcome === undefined) return alone(use);
    return outcome.kind === "redeemed" ? outcome : whyNotUsed(db, use.claim);
  }

  return {
    redeem: (claim) => {
      const use = useOf(claim, source);
      if (grants.has(claim.grantId)) return alone(use);
      grants.add(claim.grantId);
      return new Promise((settle) => {
        waiting.push({ use, settle });
        startRound();
      });
    },
  };
}

/** SQLSTATE classes that may end a session in the middle: connection, resources, operator, system, internal. What became of it is open. */
const LEFT_OPEN = /^(08|53|57|58|XX)/;

/** The server answered, so the statement is undone. NB: by the code, since the server says its severity in its own language. */
function isRefusal(error: unknown): boolean {
  if (typeof error !== "object" || error === null || !("severity" in error && "code" in error)) return false;
  return typeof error.code === "string" && !LEFT_OPEN.test(error.code);
}
