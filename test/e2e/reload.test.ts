/**
 * SIGHUP to real processes (reload-fixture.ts): keys, certificates and policy are taken anew, what is broken is not, and nothing that runs is
 * held up.
 */
import { X509Certificate } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import tls from "node:tls";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { CertificatePair } from "../harness/certificates.ts";
import { hasOpa } from "../harness/made-bundle.ts";
import { REALM } from "../harness/system/issuer.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { askForOrder } from "./asked-order.ts";
import { type CountedUse, grantOrder } from "./counted-use.ts";
import { type ReloadableSystem, startReloadableSystem } from "./reload-fixture.ts";
import { activeRevision, checksOf, metricsOf, reconfigure, reload } from "./reloading.ts";

let system: ReloadableSystem;
beforeAll(async () => {
  system = await startReloadableSystem();
}, 120_000);
afterAll(() => system[Symbol.asyncDispose](), 60_000);

const UNAVAILABLE = "503 redemption_unavailable";
/** Said where others had the processors for a moment: nothing is known of the use. */
const LATE = /^503 (?:deadline_exceeded|overloaded)|^403 redemption_unknown/;
const useInTime = (granted: CountedUse) =>
  waitUntil("an answer in time", 60_000, async () => {
    const said = await granted.use();
    return !LATE.test(said) && said;
  });
const fingerprintOf = ({ cert }: CertificatePair) => new X509Certificate(cert).fingerprint256;

test("a new certificate of REST, redemption and ext_authz is shown to new connections, while an open one goes on", async () => {
  const kept = tls.connect({ host: "127.0.0.1", port: system.ports.rest, ca: system.ours.ca });
  await new Promise((resolve) => kept.once("secureConnect", resolve));
  const next = await system.ours.issue({ name: "next", use: "server" });
  for (const name of ["rest", "redemption", "listen"]) await system.placePair(name, next);
  const said = await reload(system.approval, "rest_tls", "redemption_tls");
  expect([...said.values()].map(({ event }) => event)).not.toContain("reload_refused");
  await reload(system.decision, "listen_tls", "redemption_tls");
  expect(await system.shownAt(system.ports.rest)).toBe(fingerprintOf(next));
  expect(await system.shownAt(system.ports.redemption)).toBe(fingerprintOf(next));
  expect(await system.shownAt(system.decision.port)).toBe(fingerprintOf(next));
  const answered = new Promise<string>((resolve) => kept.once("data", (data) => resolve(String(data))));
  kept.write("GET /v1/openapi.json HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
  expect(await answered).toMatch(/^HTTP\/1\.1 200/);
  kept.destroy();
}, 60_000);

test("the service token is taken together with the certificates beside it, and by neither side before the other asks for it", async () => {
  using granted = await grantOrder(system, 43);
  const pair = await system.ours.issue({ name: "redeemer", use: "client" });
  await system.placePair("redeemer", { ...pair, key: pair.key.slice(0, 100) }); // half written
  system.placeServiceToken("decision", "another token of this test");
  const refused = await reload(system.decision, "redemption_tls");
  expect(refused.get("redemption_tls")).toMatchObject({ event: "reload_refused" });
  await waitUntil("a use under the token of before", 30_000, async () => (await granted.use()) === "allow");
  await system.placePair("redeemer", pair);
  expect((await reload(system.decision, "redemption_tls")).get("redemption_tls")).toMatchObject({ event: "reloaded" });
  const before = await granted.uses();
  for (let n = 0; n < 5; n += 1) expect(await useInTime(granted)).toBe(UNAVAILABLE);
  expect(await granted.uses()).toBe(before);
  system.placeServiceToken("approval", "another token of this test");
  await reload(system.approval, "redemption_tls");
  await waitUntil("a use under the new token", 30_000, async () => (await granted.use()) === "allow");
}, 60_000);

test("a decision service whose certificate is of another authority spends nothing until the redemption port takes that one, and the one before spends nothing from then on", async () => {
  using granted = await grantOrder(system, 42);
  const showAs = async (redeemer: CertificatePair) => {
    await system.placePair("redeemer", redeemer);
    const said = await reload(system.decision, "redemption_tls");
    expect(said.get("redemption_tls")).toMatchObject({ event: "reloaded" });
    // What is open goes on: only a new connection shows it.
    system.redemptionRoad.refuse(true);
    system.redemptionRoad.refuse(false);
  };
  /** Each waits for a connection that would open it, and none comes about. */
  const spendsNothing = async () => {
    const before = await granted.uses();
    await waitUntil("the old connection to be gone", 30_000, async () => (await granted.use()) === UNAVAILABLE);
    for (let n = 0; n < 5; n += 1) expect(await useInTime(granted)).toBe(UNAVAILABLE);
    expect(await granted.uses()).toBe(before);
  };
  /** One use, and beside it at most those that a busy machine did not answer in time. */
  const spendsOne = async () => {
    const [before, outcomes] = [await granted.uses(), new Array<string>()];
    await waitUntil(
      "a use to count",
      30_000,
      async () => outcomes.push(await granted.use()) && outcomes.at(-1) === "allow",
    );
    const unanswered = outcomes.filter((outcome) => outcome.includes("redemption_unknown")).length;
    const spent = (await granted.uses()) - before;
    expect(spent).toBeGreaterThanOrEqual(1);
    expect(spent).toBeLessThanOrEqual(1 + unanswered);
  };
  await spendsOne();
  await showAs(await system.foreign.issue({ name: "redeemer", use: "client" }));
  await spendsNothing();
  await system.placeRedeemers(system.foreign);
  await reload(system.approval, "redemption_tls");
  await spendsOne();
  await showAs(await system.ours.issue({ name: "redeemer", use: "client" }));
  await spendsNothing();
}, 60_000);

test("a half-written certificate and a broken bundle are refused: what was there serves on, log, metric and readiness say so, until they are whole", async () => {
  const before = await system.shownAt(system.ports.rest);
  const next = await system.ours.issue({ name: "after", use: "server" });
  await writeFile(system.pathsOf("rest").certPath, next.cert); // its key is not there yet
  await system.breakBundle();
  const said = await reload(system.approval, "rest_tls", "policy", "redemption_tls");
  expect(said.get("rest_tls")).toMatchObject({ event: "reload_refused" });
  expect(said.get("policy")).toMatchObject({ event: "reload_refused" });
  expect(said.get("redemption_tls")).toMatchObject({ event: "reloaded" });
  expect((await reload(system.decision, "policy")).get("policy")).toMatchObject({ event: "reload_refused" });
  expect(await system.shownAt(system.ports.rest)).toBe(before);
  expect(await checksOf(system.approval.opsUrl)).toMatchObject({
    bundle: { status: "degraded" },
    reload: { status: "degraded" },
  });
  expect(await metricsOf(system.approval.opsUrl)).toContain('countersign_approval_reload_refused{part="rest_tls"} 1');
  await system.placePair("rest", next);
  await system.mendBundle();
  const healed = await reload(system.approval, "rest_tls", "policy");
  expect([healed.get("rest_tls")?.event, healed.get("policy")?.event]).toEqual(["reloaded", "reloaded"]);
  expect((await reload(system.decision, "policy")).get("policy")).toMatchObject({ event: "reloaded" });
  expect(await system.shownAt(system.ports.rest)).toBe(fingerprintOf(next));
  expect(await checksOf(system.approval.opsUrl)).toMatchObject({ reload: { status: "ok" } });
}, 60_000);

const DECIDES_NOTHING = `package countersign

decision := {"outcome": "no_rule_matched", "reasons": [], "elevations": [], "responses": [], "malformed": [], "context_missing": []}
`;
/** Where the sample asks a manager. */
const ASKS_BOTH = `package countersign.approval

route := {"requirement": {"all_of": [{"group": "managers"}, {"group": "security"}]}}

may_review := {"allowed": true, "reasons": []}
`;

((await hasOpa()) ? test : test.skip)(
  "a changed policy counts from the signal on: the next request asks whom it says, by its revision on record; what was asked before asks whom it asked",
  async () => {
    const [managers, security] = ["managers", "security"].map((group) => ({ group, realm: REALM }));
    const before = await activeRevision(system.approval.opsUrl);
    await using owner = system.openDatabase();
    /** What a new request asks for, and the revision that routed it. */
    const routed = async ({ id, submitted }: Awaited<ReturnType<typeof askForOrder>>) => {
      const { rows } = await owner.query<{ revision: string }>(
        `select event #>> '{data,routed_by_revision}' as revision
           from (select event from outbox union all select event from audit_log) as record
          where event #>> '{data,request_id}' = $1 and event ->> 'type' = 'countersign.request.submitted.v1'`,
        [id],
      );
      return [Object(submitted).request.requirement, ...rows.map(({ revision }) => revision)];
    };
    await system.placePolicy(DECIDES_NOTHING, ASKS_BOTH);
    using early = await askForOrder(system, 44);
    expect(await routed(early)).toEqual([managers, before]);

    expect((await reload(system.approval, "policy")).get("policy")).toMatchObject({ event: "reloaded" });
    const active = await activeRevision(system.approval.opsUrl);
    expect(active).not.toBe(before);
    using late = await askForOrder(system, 45);
    expect(await routed(late)).toEqual([{ all_of: [managers, security] }, active]);
    expect(await late.approveAs("max")).toMatchObject({ status: 200, body: { request: { status: "pending" } } });
    expect(await late.approveAs("sam")).toMatchObject({ status: 200, body: { request: { status: "approved" } } });
    expect(await early.approveAs("max")).toMatchObject({ status: 200, body: { request: { status: "approved" } } });

    await system.mendBundle();
    await reload(system.approval, "policy");
    expect(await activeRevision(system.approval.opsUrl)).toBe(before);
  },
  120_000,
);

test("the state relay takes a new signing key; decision services that know it stay fresh, and those that did not become so", async () => {
  const next = await system.makeKeyPair("approval-2");
  await reconfigure(system.approval, (config) => ({
    ...config,
    signing: {
      kid: next.kid,
      keyPath: next.privatePath,
      previousKeys: { [system.relayKey.kid]: system.relayKey.publicPath },
    },
  }));
  expect((await reload(system.approval, "signing_keys")).get("signing_keys")).toMatchObject({ event: "reloaded" });
  await waitUntil("grants to be stale, under a key that is not known", 30_000, async () => {
    return (await checksOf(system.decision.opsUrl))["grants"]?.status === "degraded";
  });
  await reconfigure(system.decision, (config) => ({
    ...config,
    state: { ...config.state, trustedKeys: { ...config.state.trustedKeys, [next.kid]: next.publicPath } },
  }));
  expect((await reload(system.decision, "state_keys")).get("state_keys")).toMatchObject({ event: "reloaded" });
  await system.decision.untilFresh();
}, 60_000);

test("a decision service takes a new signing key that the approval service knows: one log is closed under the old key, another begins under the new", async () => {
  const next = await system.makeKeyPair("decision-2");
  await reconfigure(system.approval, ({ decisionServices, ...config }) => ({
    ...config,
    decisionServices: { trustedKeys: { ...decisionServices.trustedKeys, [next.kid]: next.publicPath } },
  }));
  await reload(system.approval, "decision_service_keys");
  await reconfigure(system.decision, (config) => ({
    ...config,
    signing: { kid: next.kid, keyPath: next.privatePath },
  }));
  expect((await reload(system.decision, "signing_key")).get("signing_key")).toMatchObject({ event: "reloaded" });
  await using owner = system.openDatabase();
  const logs = () => owner.query<{ id: string; closed: string }>("select log_id as id, closed from decision_logs");
  await waitUntil("both logs to arrive, the first one with its end", 30_000, async () => {
    const { rows } = await logs();
    const closedOf = (kid: string) => rows.filter(({ id }) => id.startsWith(`pdp/${kid}/`)).map(({ closed }) => closed);
    return closedOf("decision").join() === "complete" && closedOf("decision-2").join() === "no";
  });
}, 60_000);

test("a configuration that is refused changes nothing; what only a restart takes is named", async () => {
  const whole = await readFile(system.approval.configPath, "utf8");
  await reconfigure(system.approval, (config) => ({ ...config, webhok: {} }));
  const refused = await reload(system.approval, "configuration");
  expect(refused.get("configuration")?.why).toContain("webhok: is not a key of this program");
  expect(await checksOf(system.approval.opsUrl)).toMatchObject({ reload: { status: "degraded" } });
  await writeFile(system.approval.configPath, whole);
  await reconfigure(system.approval, (config) => ({ ...config, drainMs: 4_000 }));
  const said = await reload(system.approval, "reload_needs_restart");
  expect(said.get("reload_needs_restart")?.keys).toEqual(["drainMs"]);
}, 60_000);

test("key sets of issuers are looked at again; one that cannot be had is said, and tokens are taken on", async () => {
  expect((await reload(system.decision, "issuer_keys")).get("issuer_keys")).toMatchObject({ event: "reloaded" });
  await system.issuer.stop();
  const said = await reload(system.decision, "issuer_keys");
  expect(said.get("issuer_keys")).toMatchObject({
    event: "reload_refused",
    why: expect.stringContaining("unreachable"),
  });
  expect(await checksOf(system.decision.opsUrl)).toMatchObject({ keys: { status: "ok" } });
}, 60_000);
