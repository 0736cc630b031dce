/** What stands in a process behind a row that somebody holds: one statement for all of it, and nobody in it who has gone. */
import { expect, test } from "@jest/globals";
import { id } from "../../../core/domain/id.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import type { Queryable } from "../../../platform/postgres/pool.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { createRedemption } from "./redeem-together.ts";

const GRANT = id("grant", uuidv7());

/** Grants whose rows are held until `release`, and which cannot be used then. */
function heldRow() {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const uses: number[] = [];
  let statements = 0;
  let waiting = 0;
  let mostWaiting = 0;
  const db: Queryable = {
    async query(_text, values, prepared) {
      statements += 1;
      if (prepared === "use_grants") {
        waiting += 1;
        mostWaiting = Math.max(mostWaiting, waiting);
        uses.push(Array.isArray(values?.[0]) ? values[0].length : 0);
        await released;
        waiting -= 1;
      } else {
        await new Promise(setImmediate);
      }
      return { rows: [], rowCount: 0, command: "", oid: 0, fields: [] };
    },
  };
  const { redeem } = createRedemption(db, {
    ids: { fresh: (kind) => id(kind, uuidv7()) },
    deployment: "test",
    traceparent: undefined,
  });
  return {
    release,
    /** How many uses each statement had that waited for the row. */
    uses,
    statements: () => statements,
    waiting: () => waiting,
    mostWaiting: () => mostWaiting,
    redeem: (isGone?: () => boolean, grantId = GRANT) =>
      redeem(
        {
          redemptionId: id("decision", uuidv7()),
          grantId,
          ...{ issuer: "https://issuer.example", subject: "dana", entitlement: "orders-delete", scope: "order/42" },
          actors: [],
          digest: undefined,
        },
        isGone,
      ),
  };
}

const UNKNOWN = { kind: "refused", reason: "unknown_grant" };

test("a stream of callers of one grant whose row is held waits for it by one statement, and is answered when it is free", async () => {
  const row = heldRow();
  const answers: Promise<unknown>[] = [];
  await new Promise<void>((resolve) => {
    const stream = setInterval(() => {
      answers.push(row.redeem());
      if (answers.length < 60) return;
      clearInterval(stream);
      resolve();
    }, 8);
  });
  expect(row.mostWaiting()).toBe(1);
  row.release();
  expect(await Promise.all(answers)).toEqual(answers.map(() => UNKNOWN));
});

test("twenty grants whose rows are held are waited for by three statements, and by no more for those who have gone", async () => {
  const row = heldRow();
  let haveGone = false;
  const answers = Array.from({ length: 20 }, () => row.redeem(() => haveGone, id("grant", uuidv7())));
  await waitUntil("three to wait", 30_000, () => row.waiting() === 3);
  haveGone = true;
  row.release();
  const kinds = (await Promise.all(answers)).map(({ kind }) => kind);
  expect(kinds.toSorted()).toEqual([
    ...Array.from({ length: 17 }, () => "caller_gone"),
    "refused",
    "refused",
    "refused",
  ]);
  expect(row.uses).toEqual([1, 1, 1]);
});

test("after a second of it, those who came meanwhile are asked for as well, by one statement more", async () => {
  const row = heldRow();
  const answers = [row.redeem()];
  await waitUntil("the first to wait", 30_000, () => row.waiting() === 1);
  for (let later = 0; later < 5; later += 1) answers.push(row.redeem());
  await waitUntil("the others to wait", 30_000, () => row.waiting() === 2);
  expect(row.uses).toEqual([1, 5]);
  row.release();
  expect(await Promise.all(answers)).toEqual(answers.map(() => UNKNOWN));
});

test("who has gone while they stood in line is not asked for; whose statement is on its way is answered, gone or not", async () => {
  const row = heldRow();
  let isGone = false;
  const underWay = row.redeem(() => isGone);
  await waitUntil("the first to wait", 30_000, () => row.waiting() === 1);
  const inLine = [row.redeem(() => isGone), row.redeem(), row.redeem(() => isGone)];
  isGone = true;
  row.release();
  expect(await Promise.all([underWay, ...inLine])).toEqual([
    UNKNOWN,
    { kind: "caller_gone" },
    UNKNOWN,
    { kind: "caller_gone" },
  ]);
  expect(row.uses).toEqual([1, 1]);
});

test("when all have gone, no statement is sent", async () => {
  const row = heldRow();
  expect(await Promise.all([row.redeem(() => true), row.redeem(() => true)])).toEqual([
    { kind: "caller_gone" },
    { kind: "caller_gone" },
  ]);
  expect(row.statements()).toBe(0);
});
