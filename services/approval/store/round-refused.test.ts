/** What `createRedemption` makes of a fault of a round: is it known that nothing happened, each is asked for by itself; else nobody is. */
import { expect, test } from "@jest/globals";
import { id } from "../../../core/domain/id.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { createRedemption } from "./redeem-together.ts";

/** The first statement of this name fails so. Others find nothing: a round that its row is held, one that waits that there is none. */
function redeemWith(fault: object, failing = "use_free_grants") {
  const asked: (string | undefined)[] = [];
  const db: Queryable = {
    query: (_text, _values, prepared) => {
      const isFirst = !asked.includes(prepared);
      asked.push(prepared);
      if (prepared === failing && isFirst) return Promise.reject(Object.assign(new Error("no"), fault));
      return Promise.resolve({ rows: [], rowCount: 0, command: "", oid: 0, fields: [] });
    },
  };
  const { redeem } = createRedemption(db, {
    ids: { fresh: (kind) => id(kind, uuidv7()) },
    deployment: "test",
    traceparent: undefined,
  });
  const claim = {
    redemptionId: id("decision", uuidv7()),
    grantId: id("grant", uuidv7()),
    ...{ issuer: "https://issuer.example", subject: "dana", entitlement: "orders-delete", scope: "order/42" },
    digest: undefined,
  };
  return { asked, outcome: redeem(claim) };
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

test.each([
  { code: "EPIPE" },
  { code: "unavailable" },
  {},
  { severity: "FATAL", code: "57P01" },
  { severity: "PANIK", code: "XX000" },
])("%j leaves open what became of the round, or of the statement that waits for a row: nobody is asked for again", async (fault) => {
  const round = redeemWith(fault);
  await expect(round.outcome).rejects.toMatchObject(fault);
  expect(round.asked).toEqual(["use_free_grants"]);
  const waiting = redeemWith(fault, "use_grants");
  await expect(waiting.outcome).rejects.toMatchObject(fault);
  expect(waiting.asked).toEqual(["use_free_grants", "use_grants"]);
});
