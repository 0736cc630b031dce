/**
 * An incident from the one who says it to the policy that judges by it: REST, PostgreSQL, state relay, Kafka, decision service, Envoy. The
 * policy is the sample's and one more package, which cannot do without knowing of incidents. And a profile the same way round: from a call
 * that was allowed to the policy that knows of it.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hasOpa, makeBundle } from "../harness/made-bundle.ts";
import { textAt } from "../../platform/programs/client.ts";
import { makeMmdb } from "../harness/mmdb.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import type { Signer } from "../../core/messages/signing.ts";
import { TOPICS } from "../../core/messages/topics.ts";
import type { OutgoingRecord } from "../../platform/stream/port.ts";
import { earlierHeartbeatOfNone, signersOf } from "../fault/forged-state.ts";
import { createForger } from "../fault/forging.ts";
import { watch } from "../fault/window.ts";
import { metricTotal } from "../harness/metrics.ts";
import { recordsOf } from "../harness/system/topics.ts";

const REGO = join(import.meta.dirname, "../../rego/countersign");
const FREEZE = `package countersign.policies.freeze

allow := set()

elevate := set()

deny contains "frozen_by_incident" if {
	input.action.name == "DELETE"
	some incident in input.context.incidents
	incident.scope in {"*", "orders"}
	incident.severity in {"high", "critical"}
}
`;

/** Is served from what is known, fresh or not. */
const HELD = `package countersign.policies.held

allow := set()

elevate := set()

deny contains "held_by_incident" if {
	input.action.name == "GET"
	some incident in input.context.incidents
	incident.scope == "held"
}
`;

const SEEN = `package countersign.policies.seen

allow := set()

elevate := set()

deny contains sprintf("seen_from_%s", [seen.network]) if {
	input.parsed_path == ["orders", "7"]
	some seen in input.context.profile.networks
}

deny contains sprintf("seen_in_%s", [seen.country]) if {
	input.parsed_path == ["orders", "7"]
	some seen in input.context.profile.countries
}
`;

/** What else the forger writes. */
const NULLED: readonly (readonly [how: string, confirming: () => readonly OutgoingRecord[]])[] = [
  ["by nulls without a signature", () => []],
  [
    "by nulls without a signature that the sum of an earlier heartbeat does not show",
    () => [earlierHeartbeatOfNone(relay, system.deployment, Date.now() + 500)],
  ],
];

const possible = (await canStartSystem()) && (await hasOpa());
const owned = new AsyncDisposableStack();
let system: System;
let relay: Signer;

beforeAll(async () => {
  if (!possible) return;
  const folder = await mkdtemp(join(tmpdir(), "incident-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const names = await readdir(REGO, { recursive: true });
  const modules = names.filter((name) => name.endsWith(".rego") && !name.endsWith("_test.rego"));
  const texts = await Promise.all(modules.map((name) => readFile(join(REGO, name), "utf8")));
  const path = join(folder, "bundle");
  await makeBundle(path, [...texts, FREEZE, HELD, SEEN], { countersign: { requires: { freeze: ["incidents"] } } });
  const bundle = { path, unsigned: "accepted" };
  const countryDatabase = join(folder, "country.mmdb");
  await writeFile(countryDatabase, makeMmdb({ "127.0.0.0/8": { country: { iso_code: "DE" } } }));
  const context = { countryDatabase, profiles: { enabled: true } };
  system = owned.use(
    await startSystem({
      decisionSettings: (settings) => ({ ...settings, bundle, context }),
      approvalSettings: (settings) => ({ ...settings, profiles: { enabled: true } }),
    }),
  );
  ({ relay } = await signersOf(system));
}, 180_000);
afterAll(() => owned.disposeAsync(), 60_000);

(possible ? describe : describe.skip)("an incident", () => {
  test("that security opens is judged by at once, and no more once it is closed; others open and close none", async () => {
    const [dana, sam] = [await system.as("dana"), await system.as("sam")];
    const deletes = async () => {
      const { status, body } = await dana.proxy("DELETE", "/orders/42");
      return `${status} ${textAt(body, "outcome")}`;
    };
    await waitUntil("a deletion to need approval", 30_000, async () => (await deletes()) === "403 needs_approval");

    const said = { severity: "high", scope: "orders", title: "Orders are sent twice" };
    expect(await dana.approvals("POST", "/v1/incidents", { body: said })).toMatchObject({ status: 403 });
    const elsewhere = { body: { ...said, scope: "invoices" } };
    expect(await sam.approvals("POST", "/v1/incidents", elsewhere)).toMatchObject({ status: 201 });
    const opened = await sam.approvals("POST", "/v1/incidents", { body: said });
    expect(opened).toMatchObject({ status: 201, body: { state: "open" } });
    await waitUntil("deletions to be frozen", 30_000, async () => (await deletes()) === "403 deny");
    expect(await dana.proxy("DELETE", "/orders/42")).toMatchObject({
      body: { reasons: ["policy_denied", "frozen_by_incident"] },
    });
    expect(await dana.proxy("GET", "/orders/42")).toMatchObject({ status: 200 });

    const close = `/v1/incidents/${textAt(opened.body, "id")}/close`;
    expect(await dana.approvals("POST", close, { body: {} })).toMatchObject({ status: 403 });
    expect(await deletes()).toBe("403 deny");
    expect(await sam.approvals("POST", close, { body: {} })).toMatchObject({ status: 200 });
    await waitUntil("deletions to be possible again", 30_000, async () => (await deletes()) === "403 needs_approval");
  }, 60_000);

  test.each(NULLED)(
    "that is taken off the topic %s is not forgotten for a moment",
    async (_how, confirming) => {
      const [dana, sam] = [await system.as("dana"), await system.as("sam")];
      const reads = () => dana.proxy("GET", "/orders/42");
      const said = { severity: "high", scope: "held", title: "Orders are read twice" };
      const opened = await sam.approvals("POST", "/v1/incidents", { body: said });
      await waitUntil("reads to be held", 30_000, async () => (await reads()).status === 403);

      await using forger = createForger(system.openStream());
      const repairs = () => metricTotal(system.approval.opsUrl, "countersign_approval_state_repaired_total");
      await using watching = watch(reads, 2);
      const topic = TOPICS.state.name;
      const told = await recordsOf(system.kafka.settings, topic);
      const keys = new Set(told.map(({ key }) => key ?? "").filter((key) => /^(grant|incident)\//.test(key)));
      expect(keys).toContain(`incident/${textAt(opened.body, "id")}`);
      for (let round = 0; round < 4; round += 1) {
        const before = await repairs();
        await forger.write(...[...keys].map((key) => ({ topic, key, value: null })), ...confirming());
        await waitUntil("the topic to be repaired", 60_000, async () => (await repairs()) > before);
      }
      await watching[Symbol.asyncDispose]();
      const statuses = new Set(watching.seen.map(({ status }) => status));
      expect(statuses).toContain(403);
      // 503 is the other package's, which requires what is fresh.
      expect([...statuses].filter((status) => status !== 403 && status !== 503)).toEqual([]);

      const close = `/v1/incidents/${textAt(opened.body, "id")}/close`;
      expect(await sam.approvals("POST", close, { body: {} })).toMatchObject({ status: 200 });
      await waitUntil("reads to be served again", 30_000, async () => (await reads()).status === 200);
    },
    120_000,
  );

  test("apart: what an account was allowed becomes its profile, and nobody else's", async () => {
    const [dana, max] = [await system.as("dana"), await system.as("max")];
    expect(await dana.proxy("GET", "/orders/42")).toMatchObject({ status: 200 });
    await waitUntil("the policy to know of it", 30_000, async () => {
      const { body } = await dana.proxy("GET", "/orders/7");
      const said = JSON.stringify(body);
      return said.includes("seen_from_127.0.0.0/24") && said.includes("seen_in_DE");
    });
    expect(JSON.stringify(await max.proxy("GET", "/orders/7"))).not.toMatch(/seen_(from|in)/);
  }, 60_000);

  test("that nobody can hear of any more is no absence of one: what requires them is unavailable, not allowed", async () => {
    const dana = await system.as("dana");
    await system.approval.kill();
    const reads = await waitUntil("heartbeats to be too old", 30_000, async () => {
      const answer = await dana.proxy("GET", "/orders/42");
      return answer.status === 200 ? undefined : answer;
    });
    expect(reads).toMatchObject({ status: 503, body: { reasons: ["context_unavailable"] } });
  }, 60_000);
});
