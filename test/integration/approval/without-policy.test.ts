/**
 * The approval service while no bundle is active: a denial waits with what stands behind it, a submission and a review are told to come back, and
 * nothing fails.
 */
import { randomBytes, randomUUID } from "node:crypto";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { loadBundle } from "../../../core/policy/bundle.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { createPolicyHost } from "../../../core/policy/policy-host.ts";
import { ISSUER, NOW } from "../../samples/tokens.ts";
import { denialToWire } from "../../../core/messages/denial-record.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { createApprovalPolicy } from "../../../services/approval/policy/approval-policy.ts";
import { storedOffset } from "../../../services/approval/store/offsets.ts";
import { account, denialFor } from "./approval-fixture.ts";
import { silent } from "./migrated-database.ts";
import { createQuarantine, type Quarantine } from "./quarantine-fixture.ts";
import { at } from "./rest-answer.ts";
import { tokenOf } from "./rest-fixture.ts";

const BUNDLE = path.join(import.meta.dirname, "..", "..", "..", "rego", "bundle");
const WHY = "the customer was charged twice";
/** A new host is one without a bundle. */
const newHost = () =>
  createPolicyHost({ builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() }, { defaultRealm: "corp" });
let host = newHost();
const caller = (name: string) => account(name, [], ISSUER);
let quarantine: Quarantine;
beforeAll(async () => {
  const policy = createApprovalPolicy({
    host: {
      revision: () => host.revision(),
      route: (...asked) => host.route(...asked),
      mayReview: (...asked) => host.mayReview(...asked),
    },
    wallMs: () => NOW,
    log: silent,
  });
  quarantine = await createQuarantine({ policy });
  quarantine.trustKey();
});
afterAll(() => quarantine.close());

async function activate(): Promise<void> {
  expect(await host.activate(await loadBundle(BUNDLE))).toMatchObject({ kind: "activated" });
}

async function requestsOf(denialId: string): Promise<readonly string[]> {
  const { rows } = await quarantine.rest.database.query<{ status: string }>(
    "select status from requests where denial_id = $1",
    [denialId],
  );
  return rows.map(({ status }) => status);
}

test("a denial that is submitted as it arrives waits: nothing is set aside or skipped, and it is routed once there is a policy", async () => {
  host = newHost();
  const denial = denialFor(caller(randomUUID()), await quarantine.rest.store.reads.now(), { justification: WHY });
  const topic = TOPICS.denials.name;
  const deliver = () => quarantine.deliver(topic, denial.key, denialToWire(denial));
  const before = await storedOffset(quarantine.rest.database, topic, 0, 0n);
  await expect(deliver()).rejects.toMatchObject({ code: "unavailable" });
  expect(await storedOffset(quarantine.rest.database, topic, 0, 0n)).toBe(before);
  expect(await requestsOf(denial.id)).toEqual([]);
  await activate();
  expect(await deliver()).toBeUndefined();
  expect(await requestsOf(denial.id)).toEqual(["pending"]);
  host = newHost(); // what is there needs no route: delivered again, it holds up nothing
  expect(await deliver()).toBeUndefined();
  expect(await requestsOf(denial.id)).toEqual(["pending"]);
});

test("a replay of a denial that would be submitted changes nothing, and takes and submits it once there is a policy", async () => {
  host = newHost();
  const { rest } = quarantine;
  const denial = denialFor(caller(randomUUID()), await rest.store.reads.now(), { justification: WHY });
  quarantine.trustNobody();
  const setAside = (await quarantine.deliver(TOPICS.denials.name, denial.key, denialToWire(denial))) ?? "";
  quarantine.trustKey();
  expect((await quarantine.replay(setAside)).status).toBe(503);
  expect(await rest.store.reads.denial(denial.id)).toBeUndefined();
  await activate();
  expect(await quarantine.replay(setAside)).toMatchObject({ status: 200, body: { outcome: "taken" } });
  expect(await requestsOf(denial.id)).toEqual(["pending"]);
});

test("a submission is 503 with Retry-After, also under a key, and is taken once there is a policy", async () => {
  host = newHost();
  const { rest } = quarantine;
  const token = tokenOf("dana");
  const denial = await rest.denyTo(token);
  const body = { denial_id: denial.id, justification: WHY };
  const keyed = { token, body, headers: { "idempotency-key": randomUUID() } };
  for (const call of [{ token, body }, keyed]) {
    const answer = await rest.call("POST", "/v1/requests", call);
    expect([answer.status, at(answer, "code"), answer.headers["retry-after"]]).toEqual([503, "unavailable", "2"]);
  }
  expect(await requestsOf(denial.id)).toEqual([]);
  await activate();
  expect((await rest.call("POST", "/v1/requests", keyed)).status).toBe(201);
  expect(await requestsOf(denial.id)).toEqual(["pending"]);
  host = newHost();
  expect((await rest.call("POST", "/v1/requests", { token, body })).status).toBe(200); // the one that is there
  expect(await requestsOf(denial.id)).toEqual(["pending"]);
});

test("a review is 503 with Retry-After, is not on record as refused, and counts once there is a policy", async () => {
  host = newHost();
  await activate();
  const { rest } = quarantine;
  const asked = await rest.askAs(tokenOf("dana"));
  const max = tokenOf("max", ["managers"]);
  const vote = { token: max, body: { vote: "approve", digest: asked.digest } };
  host = newHost();
  const before = await rest.outboxTypes();
  const answer = await rest.call("POST", `/v1/requests/${asked.id}/reviews`, vote);
  expect([answer.status, at(answer, "code"), answer.headers["retry-after"]]).toEqual([503, "unavailable", "2"]);
  expect(await rest.outboxTypes()).toEqual(before);
  await activate();
  expect((await rest.call("POST", `/v1/requests/${asked.id}/reviews`, vote)).status).toBe(200);
});
