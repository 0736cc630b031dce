/** What `createRedemption` makes of a fault of a round: is it known that nothing happened, each is asked for by itself; else nobody is. */
import { expect, test } from "@jest/globals";
import { id } from "../../../core/domain/id.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { createRedemption } from "./redeem-together.ts";

/** The round fails so; a statement of one finds nothing, and so says why. */
function redeemWith(fault: object) {
  const asked: (string | undefined)[] = [];
  const db: Queryable = {
    query: (_text, _values, prepared) => {
      asked.push(prepared);
      if (prepared === "use_grants") return Promise.reject(Object.assign(new Error("no"), fault));
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
  expect(asked).toEqual(["use_grants", "use_grant", undefined]);
});

test.each([
  { code: "EPIPE" },
  { code: "unavailable" },
  {},
  { severity: "FATAL", code: "57P01" },
  { severity: "PANIK", code: "XX000" },
])("%j leaves open what became of the round: nobody is asked for again", async (fault) => {
  const { asked, outcome } = redeemWith(fault);
  await expect(outcome).rejects.toMatchObject(fault);
  expect(asked).toEqual(["use_grants"]);
});
