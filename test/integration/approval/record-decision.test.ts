/** Decision logs on a real server: repeated, gapped, forked and closed; and the order in which audit pages show things. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { digest } from "../../../core/domain/id.ts";
import { createRecordDecisions } from "../../../services/approval/commands/record-decision.ts";
import type { DecisionEntry } from "../../../services/approval/intake/ports.ts";
import { storedOffset } from "../../../services/approval/store/offsets.ts";
import { account, type Approval, createApproval, ids } from "./approval-fixture.ts";
import { logOf, some } from "./decision-log-fixture.ts";

const TOPIC = "decisions";
let approval: Approval;
let record: ReturnType<typeof createRecordDecisions>;
beforeAll(async () => {
  approval = await createApproval();
  record = createRecordDecisions({ store: approval.store });
});
afterAll(() => approval.close());

async function deliver(entries: readonly DecisionEntry[]) {
  const from = await storedOffset(approval.database, TOPIC, 0, 0n);
  return record({ entries: some(entries), origin: { topic: TOPIC, partition: 0, from, next: from + 1n } });
}

async function republished(logId: string): Promise<readonly number[]> {
  const { rows } = await approval.database.query<{ leaf_index: string }>(
    "select leaf_index from republish where log_id = $1 order by id",
    [logId],
  );
  return rows.map((row) => Number(row.leaf_index));
}

test("batches that overlap and repeat are taken once each, in order", async () => {
  const log = logOf(6);
  expect(await deliver(log.slice(0, 3))).toEqual({ kind: "recorded", taken: 3, known: 0, missing: 0n });
  expect(await deliver(log.slice(1, 5))).toEqual({ kind: "recorded", taken: 2, known: 2, missing: 0n });
  expect(await deliver(log.slice(0, 5))).toEqual({ kind: "recorded", taken: 0, known: 5, missing: 0n });
  expect(await republished(log[0].logId)).toEqual([0, 1, 2, 3, 4]);
});

test("two batches of a log that nobody knew, at the same moment from an intake and a replay: neither sets it back, and nothing is missing", async () => {
  for (let round = 0; round < 10; round += 1) {
    const log = logOf(6);
    const outcomes = await Promise.all(
      [log.slice(0, 3), log.slice(3)].map(async (entries, partition) => {
        const from = await storedOffset(approval.database, "at once", partition, 0n);
        return record({ entries: some(entries), origin: { topic: "at once", partition, from, next: from + 1n } });
      }),
    );
    expect(outcomes).toEqual(outcomes.map(() => expect.objectContaining({ kind: "recorded", taken: 3 })));
    const { rows } = await approval.database.query(
      `select next_index, (select count(*)::int from decision_log_gaps where log_id = $1) as gaps
         from decision_logs where log_id = $1`,
      [log[0].logId],
    );
    expect(rows).toEqual([{ next_index: "6", gaps: 0 }]);
  }
});

test("entries that never came are marked as a gap, and what follows is taken", async () => {
  const log = logOf(6);
  await deliver(log.slice(0, 2));
  expect(await deliver(log.slice(4))).toEqual({ kind: "recorded", taken: 2, known: 0, missing: 2n });
  const { rows } = await approval.database.query(
    "select from_index, before_index from decision_log_gaps where log_id = $1",
    [log[0].logId],
  );
  expect(rows).toEqual([{ from_index: "2", before_index: "4" }]);
});

test("a next entry that names another predecessor is refused, and neither stored nor moves the offset", async () => {
  const log = logOf(3);
  await deliver(log.slice(0, 2));
  const before = await storedOffset(approval.database, TOPIC, 0, 0n);
  const forged = log.slice(2).map((entry) => ({ ...entry, previous: digest("f".repeat(64)) }));
  expect(await deliver(forged)).toEqual({ kind: "refused", reason: "chain_broken" });
  expect(await republished(log[0].logId)).toEqual([0, 1]);
  expect(await storedOffset(approval.database, TOPIC, 0, 0n)).toBe(before);
});

test("another entry under a known index is refused: the last one, one that is kept, and one that closes the log below its end", async () => {
  const log = logOf(6).map((entry) => (entry.index === 2n ? { ...entry, denialId: ids.fresh("denial") } : entry));
  await deliver(log);
  const before = await storedOffset(approval.database, TOPIC, 0, 0n);
  const forked = { hash: digest("f".repeat(64)) };
  const closed = { ...forked, closes: true, tail: "recovered" } as const;
  for (const [index, change, reason] of [
    [5, forked, "chain_broken"],
    [2, forked, "chain_broken"],
    [3, closed, "closed_early"],
    [5, closed, "closed_early"],
  ] as const) {
    const fork = log.slice(index, index + 1).map((entry) => ({ ...entry, ...change }));
    expect([index, await deliver(fork)]).toEqual([index, { kind: "refused", reason }]);
  }
  expect(await storedOffset(approval.database, TOPIC, 0, 0n)).toBe(before);
  expect(await deliver(log)).toEqual({ kind: "recorded", taken: 0, known: 6, missing: 0n });
});

test("a first entry that does not begin a log is refused", async () => {
  const log = logOf(1).map((entry) => ({ ...entry, previous: digest("f".repeat(64)) }));
  expect(await deliver(log)).toEqual({ kind: "refused", reason: "chain_broken" });
});

test("nothing is taken behind the entry that closes a log, near or far", async () => {
  const log = logOf(5);
  const closing = log.slice(0, 3).map((entry) => (entry.index === 2n ? { ...entry, closes: true } : entry));
  await deliver(closing);
  for (const later of [log.slice(3), log.slice(4)])
    expect(await deliver(later)).toEqual({ kind: "refused", reason: "log_closed" });
  expect(await republished(log[0].logId)).toEqual([0, 1, 2]);
});

test("a decision that used a grant is kept with who approved it; one that touches nothing is only republished", async () => {
  const request = await approval.ask();
  const outcome = await approval.approveBy(request, account("max", ["managers"]));
  const grantId = outcome.kind === "reviewed" ? outcome.grant?.id : undefined;
  const log = logOf(3);
  const touching = log.map((entry) => (entry.index === 2n ? { ...entry, grantId } : entry));
  await deliver(touching);
  const page = await approval.store.listings.audit(0n, 100);
  const mine = page.filter((entry) => entry.logId === log[0].logId);
  expect(mine).toMatchObject([
    {
      index: 2n,
      event: {
        logid: log[0].logId,
        leafindex: "2",
        leafhash: log[2]?.hash,
        data: { approval: { request_id: request.id, grant_id: grantId, approved_by: [{ id: "max@example.org" }] } },
      },
    },
  ]);
  expect(await republished(log[0].logId)).toEqual([0, 1, 2]);
});

test("a reader who pages by arrival while 8 writers commit in any order misses nothing", async () => {
  const log = `race/${randomUUID()}`;
  const seen: bigint[] = [];
  let after = (await approval.store.listings.audit(0n, 1_000)).at(-1)?.arrival ?? 0n;
  let writing = true;
  const reading = (async () => {
    for (let last = false; !last; ) {
      last = !writing;
      const page = await approval.store.listings.audit(after, 1_000);
      for (const entry of page) if (entry.logId === log) seen.push(entry.index);
      after = page.at(-1)?.arrival ?? after;
    }
  })();
  const write = (index: number) =>
    approval.database.transaction("test", async (tx) => {
      await tx.query(
        `insert into audit_log (log_id, leaf_index, event_id, leaf_hash, event)
         values ($1, $2, gen_random_uuid(), '', '{}')`,
        [log, index],
      );
      // Holds some transactions open longer than others that took a number after them.
      await tx.query("select pg_sleep($1)", [index % 3 === 0 ? 0.004 : 0]);
    });
  await Promise.all(
    Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; n < 20; n += 1) await write(writer * 20 + n);
    }),
  );
  writing = false;
  await reading;
  expect(seen.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 160 }, (_, n) => n));
});
