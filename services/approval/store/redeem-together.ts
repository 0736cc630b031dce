/**
 * Batches the redemptions of this process into shared statements, because a statement with its commit costs several times what one more use in it
 * costs, of the same grant or another. A lone caller does not wait for others.
 *
 * Nobody is worse off. A shared statement never waits for a row: uses of a grant whose row is locked get a statement of their own, which waits.
 * Uses of a grant that a running statement is using queue for the next one: waiting for the row lock, each would occupy a connection of the pool.
 * If a redemption id in a statement was used before, nothing of the statement has happened, and its halves are executed one after the other, down
 * to the use concerned. Any other fault affects all its uses, as it would with statements of their own: either it affects all alike (a row that
 * is not released in time, a full disk), or the outcome of the statement is unknown. A use that was counted although its caller did not hear of
 * it is found again by its id, as a duplicate. A caller who leaves before the statement is sent uses nothing; after that, the use may have been
 * counted.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Redeemed, RedemptionRefused } from "../../../core/domain/grant.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { isUniqueViolation } from "../../../platform/postgres/sql-state.ts";
import { createLimit } from "../../../platform/limit.ts";
import type { CallerGone, Redemption } from "../ports.ts";
import type { EventSource } from "./outbox.ts";
import { type Tried, type Use, useGrants, useOf, whyNoneUsed } from "./redeem-grant.ts";

type Outcome = Redeemed | RedemptionRefused | CallerGone;
type Waiting = {
  readonly use: Use;
  readonly isGone: () => boolean;
  readonly settle: (outcome: Outcome | Promise<Outcome>) => void;
};
/** Whether statements wait for locked rows. */
type Manner = { readonly waits: boolean };

const GONE: CallerGone = { kind: "caller_gone" };
const DUPLICATE: RedemptionRefused = { kind: "refused", reason: "duplicate" };

/** One reaches the disk while the next is computed. */
const ROUNDS_AT_ONCE = 2;
/** Several milliseconds of the database's time. */
const MOST_TOGETHER = 64;
/** A statement that takes longer (a slow disk, a hanging connection) no longer holds up others. A caller has 150 ms. */
const LATE_MS = 20;
/** With those that are late. More would only wait for a connection, past the point where a caller who goes uses nothing; and the pool is everybody's. */
const MOST_ROUNDS = 4;
/** Statements that wait for rows, of at most as many grants. */
const MOST_WAITING = 3;
/**
 * As `LATE_MS`, for a statement that waits for a row. That it lasts is no wonder, and each that is sent past it waits for the same row with a
 * connection more.
 */
const HELD_LATE_MS = 1_000;

export function createRedemption(db: Queryable, source: EventSource): Redemption {
  const waiting: Waiting[] = [];
  /** By id of a grant with uses in progress: the uses queued behind them. */
  const lines = new Map<string, Waiting[]>();
  /** Rounds that the next ones wait for, and all that are unanswered. */
  let rounds = 0;
  let unanswered = 0;
  const waitingForRows = createLimit(MOST_WAITING);

  function startRound(): void {
    if (waiting.length === 0 || rounds >= ROUNDS_AT_ONCE || unanswered >= MOST_ROUNDS) return;
    rounds += 1;
    unanswered += 1;
    void round();
  }

  async function round(): Promise<void> {
    let isUnderWay = true;
    const letNext = () => {
      if (isUnderWay) rounds -= 1;
      isUnderWay = false;
      startRound();
    };
    await turn(); // requests from the same read of a socket join in
    const held = await attempt(takeTogether(), { waits: false }, letNext);
    for (const [grant, those] of Map.groupBy(held, grantOf)) {
      // After a late round another statement may already wait for the row.
      const line = lines.get(grant);
      if (line === undefined) void attempt(those, { waits: true }, startRound);
      else line.push(...those);
    }
    unanswered -= 1;
    letNext();
  }

  /** In order of arrival; a use whose grant is in another round joins that grant's queue. */
  function takeTogether(): readonly Waiting[] {
    const together: Waiting[] = [];
    const grants = new Set<string>();
    while (together.length < MOST_TOGETHER) {
      const one = waiting.shift();
      if (one === undefined) break;
      const line = grants.has(grantOf(one)) ? undefined : lines.get(grantOf(one));
      if (line === undefined) {
        grants.add(grantOf(one));
        together.push(one);
      } else {
        line.push(one);
      }
    }
    return together;
  }

  /** Asks for all of them while those who come later stand in line. Settles them, but for those that are returned: whose grant's row somebody holds. */
  async function attempt(
    together: readonly Waiting[],
    manner: Manner,
    onLate: () => void,
  ): Promise<readonly Waiting[]> {
    if (together.length === 0) return [];
    const grants = new Set(together.map(grantOf));
    for (const grant of grants) lines.set(grant, lines.get(grant) ?? []);
    const letPass = () => {
      for (const grant of grants) {
        waiting.push(...(lines.get(grant) ?? []));
        lines.delete(grant);
      }
      grants.clear();
      onLate();
    };
    const late = setTimeout(letPass, manner.waits ? HELD_LATE_MS : LATE_MS);
    try {
      return await (manner.waits ? waitingForRows.run(() => ask(together, manner)) : ask(together, manner));
    } finally {
      clearTimeout(late);
      letPass();
    }
  }

  /** By one statement; by halves where one of them is a duplicate, and never by more than one statement at a time. Never rejects. */
  async function ask(asked: readonly Waiting[], manner: Manner): Promise<readonly Waiting[]> {
    const together = asked.filter((one) => {
      const isGone = one.isGone();
      if (isGone) one.settle(GONE);
      return !isGone;
    });
    if (together.length === 0) return [];
    try {
      const uses = together.map(({ use }) => use);
      return settle(together, await useGrants(db, uses, manner));
    } catch (error) {
      const isDuplicate = isUniqueViolation(error, "redemptions_pkey");
      if (!isDuplicate || together.length === 1) {
        for (const one of together) one.settle(isDuplicate ? DUPLICATE : Promise.reject(error));
        return [];
      }
    }
    const half = Math.ceil(together.length / 2);
    const held = await ask(together.slice(0, half), manner);
    return [...held, ...(await ask(together.slice(half), manner))];
  }

  /** Returns those that were not attempted. */
  function settle(together: readonly Waiting[], tried: readonly Tried[]): readonly Waiting[] {
    const held: Waiting[] = [];
    const inVain: Waiting[] = [];
    for (const [at, one] of together.entries()) {
      const outcome = tried[at];
      if (outcome?.kind === "redeemed") one.settle(outcome);
      else (outcome?.kind === "held" ? held : inVain).push(one);
    }
    if (inVain.length === 0) return held;
    const claims = inVain.map(({ use }) => use.claim);
    const reasons = whyNoneUsed(db, claims);
    for (const [at, one] of inVain.entries())
      one.settle(reasons.then((all) => all[at] ?? { kind: "refused", reason: "unknown_grant" }));
    return held;
  }

  return {
    redeem: (claim, isGone = () => false) => {
      const use = useOf(claim, source);
      return new Promise((settle) => {
        const line = lines.get(claim.grantId);
        (line ?? waiting).push({ use, isGone, settle });
        startRound();
      });
    },
  };
}

function grantOf({ use }: Waiting): string {
  return use.claim.grantId;
}
