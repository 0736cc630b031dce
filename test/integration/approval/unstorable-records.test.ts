/**
 * Signed records that the database cannot keep, or that have no hash, on a real server: each is set aside, whatever it is that refuses it, and
 * the record behind it is taken.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Denial } from "../../../core/domain/denial.ts";
import type { Subject } from "../../../core/domain/subject.ts";
import { ISSUER } from "../../samples/tokens.ts";
import { denialToWire } from "../../../core/messages/denial-record.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { account, askPeople, denialFor, oneOf, REVISION } from "./approval-fixture.ts";
import { createQuarantine, type Quarantine } from "./quarantine-fixture.ts";

/** Nothing that is repeated, or the server would compress it until an index takes it. */
const LONG = randomBytes(6_000).toString("base64url");
let group = "managers";
const caller = (name: string) => account(name, [], ISSUER);
let quarantine: Quarantine;
beforeAll(async () => {
  quarantine = await createQuarantine({
    policy: {
      route: () => Promise.resolve({ ...askPeople(oneOf(group)), revision: REVISION }),
      mayReview: () => Promise.resolve({ kind: "allowed", revision: REVISION }),
    },
  });
  quarantine.trustKey();
});
afterAll(() => quarantine.close());

/** A denial that is submitted as it arrives. */
async function arrives(subject: Subject, more: Partial<Denial> = {}) {
  const now = await quarantine.rest.store.reads.now();
  const denial = denialFor(subject, now, { justification: "the customer was charged twice", ...more });
  const id = await quarantine.deliver(TOPICS.denials.name, denial.key, denialToWire(denial));
  return { denial, reason: id === undefined ? "taken" : await reasonOf(id) };
}

async function reasonOf(id: string): Promise<string> {
  const { rows } = await quarantine.rest.database.query<{ told: string }>(
    "select reason || ': ' || detail as told from quarantine where id = $1",
    [id],
  );
  return rows.map(({ told }) => told).join();
}

async function expectTheNextIsTaken(): Promise<void> {
  const { denial, reason } = await arrives(caller(randomUUID()));
  const { rows } = await quarantine.rest.database.query<{ status: string }>(
    "select status from requests where denial_id = $1",
    [denial.id],
  );
  expect([reason, rows]).toEqual(["taken", [{ status: "pending" }]]);
}

test("reviewers under a name that no GIN index takes", async () => {
  group = LONG;
  const { reason } = await arrives(caller(randomUUID()));
  group = "managers";
  expect(reason).toBe("unstorable: SQLSTATE 54000");
  await expectTheNextIsTaken();
});

test("an account under a name that no B-tree takes", async () => {
  expect((await arrives(caller(LONG))).reason).toBe("unstorable: SQLSTATE 54000");
  await expectTheNextIsTaken();
});

test("names as long as routing may give them, of the characters that take most bytes, are stored and found", async () => {
  group = Buffer.from(randomBytes(512)).toString("utf16le").toWellFormed().replaceAll("\0", "x");
  expect(group).toHaveLength(256);
  const { denial, reason } = await arrives(caller(randomUUID()));
  const sets = [`group:corp/${group}`];
  group = "managers";
  expect(reason).toBe("taken");
  const { rows } = await quarantine.rest.database.query(
    "select denial_id from requests where reviewer_sets && $1::text[]",
    [sets],
  );
  expect(rows).toEqual([{ denial_id: denial.id }]);
});

test("half a character in what was called, which the request's digest covers", async () => {
  const call = { ...denialFor(caller("dana"), (await arrives(caller(randomUUID()))).denial.mintedAt).call };
  const { reason } = await arrives(caller(randomUUID()), { call: { ...call, maskedQuery: "\ud800" } });
  expect(reason).toBe("invalid_record: a value without canonical JSON");
  await expectTheNextIsTaken();
});
