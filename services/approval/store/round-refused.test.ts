/** What `createRedemption` makes of a fault of a round: is it known that nothing happened, each is asked for by itself; else nobody is. */
import { expect, test } from "@jest/globals";
import { id } from "../../../core/domain/id.ts";
import type { RedemptionClaim } from "../../../core/domain/grant.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
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

test.each(["ERROR", "FEHLER", "ERREUR"])("a refusal by the server is one in every language: %s", async (severity) => {
  const { asked, outcome } = redeemWith({ severity, code: "23505" });
  expect(await outcome).toEqual({ kind: "refused", reason: "unknown_grant" });
  expect(asked).toEqual(["use_free_grants", "use_grants", "why_none_used"]);
});

test("the statement that waits for a row which somebody held is refused: it is asked for once more, by itself", async () => {
  const { asked, outcome } = redeemWith({ severity: "ERROR", code: "23505" }, "use_grants");
  expect(await outcome).toEqual({ kind: "refused", reason: "unknown_grant" });
  expect(asked).toEqual(["use_free_grants", "use_grants", "use_grants", "why_none_used"]);
});

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
  expect(sizes.toSorted((a, b) => b - a)).toEqual([64, 32, 32, 16, 16, 8, 8, 4, 4, 2, 2, 1, 1, 1]);
  expect(mostOpen).toBe(1);
});

test.each([
  { code: "EPIPE" },
  { code: "unavailable" },
  {},
  { severity: "FATAL", code: "57P01" },
  { severity: "PANIK", code: "XX000" },
])(
  "%j leaves open what became of the round, or of the statement that waits for a row: nobody is asked for again",
  async (fault) => {
    const round = redeemWith(fault);
    await expect(round.outcome).rejects.toMatchObject(fault);
    expect(round.asked).toEqual(["use_free_grants"]);
    const waiting = redeemWith(fault, "use_grants");
    await expect(waiting.outcome).rejects.toMatchObject(fault);
    expect(waiting.asked).toEqual(["use_free_grants", "use_grants"]);
  },
);
