/** What `createRedemption` makes of a fault of a statement: of a redemption id that was used before it finds whose it is; any other is everybody's. */
import { expect, test } from "@jest/globals";
import { id } from "../../../core/domain/id.ts";
import type { RedemptionClaim } from "../../../core/domain/grant.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { EventSource } from "./outbox.ts";
import { createRedemption } from "./redeem-together.ts";

const NOTHING = () => ({ rows: [], rowCount: 0, command: "", oid: 0, fields: [] });
const DUPLICATE = { severity: "ERROR", code: "23505", constraint: "redemptions_pkey" };
const SOURCE: EventSource = {
  ids: { fresh: (kind) => id(kind, uuidv7()) },
  deployment: "test",
  traceparent: undefined,
};

function claimOf(redemptionId = id("decision", uuidv7())): RedemptionClaim {
  return {
    redemptionId,
    grantId: id("grant", uuidv7()),
    ...{ issuer: "https://issuer.example", subject: "dana", entitlement: "orders-delete", scope: "order/42" },
    actors: [],
    digest: undefined,
  };
}

/** The first statement of this name fails so. Others find nothing: a round that its row is held, one that waits that there is none. */
function redeemWith(fault: object, failing = "use_free_grants") {
  const asked: (string | undefined)[] = [];
  const db: Queryable = {
    query: (_text, _values, prepared) => {
      const isFirst = !asked.includes(prepared);
      asked.push(prepared);
      if (prepared === failing && isFirst) return Promise.reject(Object.assign(new Error("no"), fault));
      return Promise.resolve(NOTHING());
    },
  };
  return { asked, outcome: createRedemption(db, SOURCE).redeem(claimOf()) };
}

test.each([
  ["alone", "use_free_grants", ["use_free_grants"]],
  ["which waits for its row", "use_grants", ["use_free_grants", "use_grants"]],
])(
  "a use %s whose redemption id was used before is a duplicate, and nothing more is asked",
  async (_how, failing, all) => {
    const { asked, outcome } = redeemWith(DUPLICATE, failing);
    expect(await outcome).toEqual({ kind: "refused", reason: "duplicate" });
    expect(asked).toEqual(all);
  },
);

test("one of 64 that the server refuses is found by halves, by one statement at a time", async () => {
  const poison = id("decision", uuidv7());
  const sizes: number[] = [];
  let open = 0;
  let mostOpen = 0;
  const db: Queryable = {
    async query(_text, values, prepared) {
      if (prepared === "why_none_used") return NOTHING();
      const ids: readonly unknown[] = Array.isArray(values?.[0]) ? values[0] : [];
      sizes.push(ids.length);
      open += 1;
      mostOpen = Math.max(mostOpen, open);
      await new Promise(setImmediate);
      open -= 1;
      if (ids.includes(poison)) throw Object.assign(new Error("no"), DUPLICATE);
      return { ...NOTHING(), rows: ids.map((_, at) => JSON.parse(`{"id":null,"place":${at + 1}}`)) };
    },
  };
  const { redeem } = createRedemption(db, SOURCE);
  const claims = Array.from({ length: 64 }, (_, at) => claimOf(at === 40 ? poison : undefined));
  const outcomes = await Promise.all(claims.map((claim) => redeem(claim)));
  expect(outcomes.map((one) => "reason" in one && one.reason)).toEqual(
    claims.map((_, at) => (at === 40 ? "duplicate" : "unknown_grant")),
  );
  expect(sizes.toSorted((a, b) => b - a)).toEqual([64, 32, 32, 16, 16, 8, 8, 4, 4, 2, 2, 1, 1]);
  expect(mostOpen).toBe(1);
});

test("a database that stands still is asked by four rounds, and no more is asked for those who have gone meanwhile", async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  const sizes: number[] = [];
  const db: Queryable = {
    async query(_text, values, prepared) {
      if (prepared === "use_free_grants") sizes.push(Array.isArray(values?.[0]) ? values[0].length : 0);
      await answered;
      return NOTHING();
    },
  };
  const { redeem } = createRedemption(db, SOURCE);
  let haveGone = false;
  const outcomes: ReturnType<typeof redeem>[] = [];
  const stream = setInterval(() => outcomes.push(redeem(claimOf(), () => haveGone)), 5);
  await waitUntil("four rounds with others behind them", 30_000, () => sizes.length === 4 && outcomes.length > 60);
  clearInterval(stream);
  haveGone = true;
  answer();
  const kinds = (await Promise.all(outcomes)).map(({ kind }) => kind);
  expect(sizes).toHaveLength(4);
  expect(new Set(kinds)).toEqual(new Set(["caller_gone"]));
});

test.each([
  { code: "EPIPE" },
  { code: "unavailable" },
  {},
  { severity: "FATAL", code: "57P01" },
  { severity: "ERROR", code: "55P03" },
  { severity: "ERROR", code: "23505", constraint: "outbox_event_id_key" },
])(
  "%j is told to whoever is in the round, or in the statement that waits for a row: nobody is asked for again",
  async (fault) => {
    const round = redeemWith(fault);
    await expect(round.outcome).rejects.toMatchObject(fault);
    expect(round.asked).toEqual(["use_free_grants"]);
    const waiting = redeemWith(fault, "use_grants");
    await expect(waiting.outcome).rejects.toMatchObject(fault);
    expect(waiting.asked).toEqual(["use_free_grants", "use_grants"]);
  },
);
