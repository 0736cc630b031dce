/**
 * The redemptions of this process: what is asked for while others are on their way goes together as one statement, since a statement and its
 * commit cost several times what one more use in it does, of another grant or of the same. Who comes alone does not wait for company.
 *
 * Nobody is worse off for it. A round waits for no row: uses of a grant whose row somebody holds are asked for by a statement of their own,
 * which waits. Uses of a grant that is used by a round under way stand in line for the next one: in the lock of its row each would keep a
 * connection of the pool from everybody else. When the server refuses a round (somebody uses a redemption id again), nothing of it has
 * happened, and each is asked for by itself. When it is not known what became of a round, each caller gets the fault, as for a statement of
 * its own.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Redeemed, RedemptionRefused } from "../../../core/domain/grant.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import type { Redemption } from "../ports.ts";
import type { EventSource } from "./outbox.ts";
import { type Tried, type Use, useGrant, useGrants, useOf, whyNoneUsed, whyNotUsed } from "./redeem-grant.ts";

type Outcome = Redeemed | RedemptionRefused;
type Waiting = { readonly use: Use; readonly settle: (outcome: Outcome | Promise<Outcome>) => void };

/** One is on its way to the disk while the next is worked out. */
const ROUNDS_AT_ONCE = 2;
/** Several milliseconds of the database's time. */
const MOST_TOGETHER = 64;
/** What lasts longer holds up nobody else: the disk is slow, or the connection hangs. A caller has 150 ms. */
const LATE_MS = 20;

export function createRedemption(db: Queryable, source: EventSource): Redemption {
  const waiting: Waiting[] = [];
  /** By the id of a grant of which uses are on their way: who stands in line behind them. */
  const lines = new Map<string, Waiting[]>();
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
    const held = await attempt(takeTogether(), { waits: false }, letNext);
    for (const line of Map.groupBy(held, grantOf).values()) void attempt(line, { waits: true }, startRound);
    letNext();
  }

  /** In the order in which they came; whose grant is used by another round goes to its line. */
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

  /** Asks for all of them by one statement. Settles them, but for those that are returned: whose grant's row somebody holds. */
  async function attempt(
    together: readonly Waiting[],
    options: { readonly waits: boolean },
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
    const late = setTimeout(letPass, LATE_MS);
    try {
      const uses = together.map(({ use }) => use);
      return settle(together, await useGrants(db, uses, options));
    } catch (error) {
      for (const one of together) one.settle(isRefusal(error) ? alone(one.use) : Promise.reject(error));
      return [];
    } finally {
      clearTimeout(late);
      letPass();
    }
  }

  /** Returns those that were not tried. */
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
    redeem: (claim) => {
      const use = useOf(claim, source);
      return new Promise((settle) => {
        const line = lines.get(claim.grantId);
        (line ?? waiting).push({ use, settle });
        startRound();
      });
    },
  };
}

function grantOf({ use }: Waiting): string {
  return use.claim.grantId;
}

/** SQLSTATE classes that may end a session in the middle: connection, resources, operator, system, internal. What became of it is open. */
const LEFT_OPEN = /^(08|53|57|58|XX)/;

/** The server answered, so the statement is undone. NB: by the code, since the server says its severity in its own language. */
function isRefusal(error: unknown): boolean {
  if (typeof error !== "object" || error === null || !("severity" in error && "code" in error)) return false;
  return typeof error.code === "string" && !LEFT_OPEN.test(error.code);
}
