/** The sweep on a real server: what it ends and deletes, what it leaves, and that no part of it waits for another. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createSweep } from "../../../services/approval/commands/sweep.ts";
import { createSweeper } from "../../../services/approval/sweeper.ts";
import { type Approval, createApproval } from "./approval-fixture.ts";

let approval: Approval;
beforeAll(async () => {
  approval = await createApproval();
});
afterAll(() => approval.close());

test("the sweep ends what time has ended, and nothing else", async () => {
  const sweep = createSweep({ store: approval.store });
  const now = await approval.store.reads.now();
  const over = await approval.grant({ notBefore: instant(now - 2_000), expiresAt: instant(now - 1_000) });
  const live = await approval.grant();
  expect(await sweep()).toMatchObject({ grants: 1, denials: 0 });
  expect(await approval.store.reads.grant(over.id)).toMatchObject({ state: "expired", version: 2 });
  expect(await approval.store.reads.grant(live.id)).toMatchObject({ state: "active", version: 1 });
});

test("of denials whose time is long over the sweep deletes those that nobody submitted, and looks at the others once", async () => {
  const { id: left } = await approval.deny();
  const { denialId: submitted } = await approval.ask();
  await approval.database.query(
    "update denials set expires_at = now() - interval '48 hours' where id = any ($1::uuid[])",
    [[left, submitted]],
  );
  const sweep = createSweep({ store: approval.store });
  expect(await sweep()).toMatchObject({ denials: 2, isMore: false });
  expect([await approval.store.reads.denial(left), (await approval.store.reads.denial(submitted))?.id]).toEqual([
    undefined,
    submitted,
  ]);
  const { rows } = await approval.database.query("select id from denials where stays");
  expect(rows).toEqual([{ id: submitted }]);
});

test("a row that cannot be read keeps the sweep from nothing else, and is told", async () => {
  const fault = new Error("a stored request is malformed");
  const store: typeof approval.store = {
    ...approval.store,
    transaction: (name, work, settle) =>
      approval.store.transaction(
        name,
        (tx) => work({ ...tx, requests: { ...tx.requests, lockExpired: () => Promise.reject(fault) } }),
        settle,
      ),
  };
  const now = await approval.store.reads.now();
  const over = await approval.grant({ notBefore: instant(now - 2_000), expiresAt: instant(now - 1_000) });
  expect(await createSweep({ store })()).toMatchObject({ faults: [{ part: "sweep requests", error: fault }] });
  expect(await approval.store.reads.grant(over.id)).toMatchObject({ state: "expired", version: 2 });
});

test("notifications of a month ago are forgotten, taken or not, and those of a younger request stay", async () => {
  await approval.database.query("delete from notifications");
  await approval.database.query(
    `insert into notifications (kind, body, created_at, delivered_at)
     select 'review_requested', '{}', now() - age, case when is_taken then now() - age end
       from unnest(array[interval '31 days', interval '29 days']) as age cross join unnest(array[true, false]) as is_taken`,
  );
  expect(await createSweep({ store: approval.store })()).toMatchObject({ notifications: 2 });
  const { rows } = await approval.database.query(
    "select created_at > now() - interval '30 days' as young from notifications",
  );
  expect(rows).toEqual([{ young: true }, { young: true }]);
});

test("more than one round takes are swept at once, and not so many at a time", async () => {
  await approval.database.query(
    `insert into notifications (kind, body, created_at)
     select 'review_requested', '{}', now() - interval '31 days' from generate_series(1, 250)`,
  );
  const rounds: number[] = [];
  const stop = new AbortController();
  const sweep = createSweep({ store: approval.store });
  const { query, transaction } = approval.database;
  const sweeper = createSweeper(
    {
      ...{ log: createLog({ name: "test", level: "silent" }), monotonicMs: () => 0 },
      leadership: { leading: true, run: (task, signal) => task({ query, transaction, signal }) },
      async sweep() {
        const swept = await sweep();
        rounds.push(swept.notifications);
        if (!swept.isMore) stop.abort();
        return swept;
      },
    },
    { intervalMs: 600_000 },
  );
  await sweeper.run(stop.signal);
  expect(rounds).toEqual([100, 100, 50]);
});
