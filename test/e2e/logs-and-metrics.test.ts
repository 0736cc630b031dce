/**
 * What the running set says of itself, with everything that it can log switched on: nothing in it is a secret, and every metric that it
 * shows is on docs/metrics.md, as every one of that page is shown by some process.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import * as sample from "../samples/tokens.ts";
import { TOPICS } from "../../core/messages/topics.ts";
import { deniedId, granted } from "../../sample/story/ask.ts";
import { realStage } from "../../sample/story/real-stage.ts";
import { members } from "../../sample/story/see.ts";
import { ask } from "../fault/state-topic.ts";
import { freePort } from "../harness/free-port.ts";
import { type RunningGateway, startGatewayProcess } from "../harness/gateway.ts";
import { createCall } from "../../platform/programs/client.ts";
import { recordsOf } from "../harness/system/topics.ts";
import { addressesOf } from "../harness/http-page.ts";
import { makeMmdb } from "../harness/mmdb.ts";
import { type OtlpCollector, startOtlpCollector } from "../harness/otlp-collector.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { wronglyCounted } from "./counted-events.ts";
import { compatMetrics, metricsOf } from "./exposed-metrics.ts";
import type { ApiPorts } from "./plant-in-api.ts";
import { ARRIVAL_MS, createPlanting } from "./plant-secrets.ts";
import { allSecrets, leaks, PLANTED } from "./planted-secrets.ts";

const ROOT = join(import.meta.dirname, "../..");

const PDP = "https://pdp.example";
const ENDPOINT = "https://approvals.example/access/v1/requests";
const ANSWERS = "answers and refused starts";
/** Without one of these the search among spans would show less than it says. */
const SPANS = [
  ...["decision", "identify", "evaluate", "send countersign.denials.v1"].map((name) => `countersign-decision: ${name}`),
  ...["POST /v1/requests", "submit", "review"].map((name) => `countersign-approval: ${name}`),
  "countersign-approval: countersign.v1.RedemptionService/Redeem",
];

const possible = await canStartSystem();
const owned = new AsyncDisposableStack();
let system: System;
let gateway: RunningGateway;
let api: ApiPorts;
let collector: OtlpCollector;
let orders = 90;

beforeAll(async () => {
  if (!possible) return;
  const folder = await mkdtemp(join(tmpdir(), "logs-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  // What shows its metrics only where it is configured.
  const countryDatabase = join(folder, "country.mmdb");
  await writeFile(countryDatabase, makeMmdb({ "192.0.2.0/24": { country: { iso_code: "DE" } } }));
  const tokenPath = join(folder, "client-token");
  await writeFile(tokenPath, PLANTED["the token of a client of the API"]);
  api = { http: await freePort(), grpc: await freePort() };
  const debug = <S extends object>(settings: S) => ({ ...settings, logLevel: "debug" });
  collector = owned.use(await startOtlpCollector());
  system = owned.use(
    await startSystem({
      ...{ collector, secureKafka: true },
      decisionSettings: (settings) => ({
        ...debug(settings),
        api: {
          ...{ baseUrl: PDP, httpPort: api.http, grpcPort: api.grpc, accessRequestEndpoint: ENDPOINT },
          clients: [
            { name: "client", tokenPath, enforcer: true, subjects: { user: settings.identity.issuers[0]?.issuer } },
          ],
        },
        context: { countryDatabase, profiles: { enabled: true } },
        policy: { network: { hosts: ["data.example"] } },
        development: { keepInputs: 1 },
      }),
      approvalSettings: (settings) => ({
        ...debug(settings),
        accessRequests: { endpoint: ENDPOINT, decisionPoints: [PDP] },
      }),
      databaseUrl: (own) => `${own}&password=${PLANTED["the password of the database"]}`,
    }),
  );
  const [decision] = system.decisions;
  gateway = owned.use(
    await startGatewayProcess({
      authorization: decision?.port ?? 0,
      upstream: system.orders.port,
      settings: { logLevel: "debug" },
    }),
  );
}, 180_000);
afterAll(() => owned.disposeAsync(), 60_000);

/** Rows that outlive a run, as text. What was set aside is kept as it came, on purpose. */
async function tables(): Promise<string> {
  const { rows } = await ask<{ text: string }>(
    system,
    `select event::text as text from audit_log union all select event::text from outbox
     union all select event::text from decisions union all select record::text from denials
     union all select body::text || coalesce(last_error, '') from notifications
     union all select reason || detail || coalesce(last_detail, '') from quarantine`,
  );
  return rows.map(({ text }) => text).join("\n");
}

/** Until the collector has spans of every kind, and one of this decision, which came after everything was broken. */
async function untilTold(decisionId: string): Promise<void> {
  let missing: readonly string[] = SPANS;
  const isTold = () => {
    const told = new Set(collector.spans().map(({ service, name }) => `${service}: ${name}`));
    missing = SPANS.filter((span) => !told.has(span));
    return missing.length === 0 && collector.text().includes(decisionId);
  };
  await waitUntil("the spans to come", ARRIVAL_MS, isTold).catch((error: unknown) => {
    throw new Error(`missing: ${missing.join(", ")}`, { cause: error });
  });
}

(possible ? describe : describe.skip)("the running set", () => {
  test("shows every metric that docs/metrics.md lists, and lists every one that it shows", async () => {
    const page = await readFile(join(ROOT, "docs/metrics.md"), "utf8");
    const listed = [...page.matchAll(/^\| `(countersign_[a-z_]+)` \|/gm)].map(([, name = ""]) => name);
    const shown = await Promise.all([
      ...[...system.decisions, system.approval, gateway].map(({ opsUrl }) => metricsOf(opsUrl)),
      compatMetrics(system),
    ]);
    expect([...new Set(shown.flat())].toSorted()).toEqual(listed.toSorted());
  }, 60_000);

  test("answers at its operators' ports what docs/http.md lists for each process and nothing else, whoever asks", async () => {
    const [decision] = system.decisions;
    const processes = [
      ["decision", decision?.opsUrl ?? ""],
      ["approval", system.approval.opsUrl],
      ["gateway", gateway.opsUrl],
    ] as const;
    const foreign = sample.token(sample.claims({ groups: ["managers", "security"] }));
    const callers = [
      undefined,
      foreign,
      ...(await Promise.all(["dana", "max", "sam"].map((who) => system.token(who)))),
    ];
    for (const [name, opsUrl] of processes) {
      const listed = await addressesOf(`${name}, \`ops.port\``);
      const told = (await (await fetch(`${opsUrl}/`)).text()).match(/\/[\w/]+/g) ?? [];
      expect([name, told.toSorted()]).toEqual([name, listed.toSorted()]);
      for (const token of callers) {
        const call = createCall(opsUrl, token);
        const statuses = await Promise.all(
          listed.map(async (address) => [address, (await call("GET", address)).status]),
        );
        expect([name, ...statuses]).toEqual([name, ...listed.map((address) => [address, 200])]);
      }
    }
  });

  test("says no secret: not in a log at any level, an event, a record, an answer, a notification, a span, a metric or an error", async () => {
    const stage = realStage(system);
    orders += 1; // where it is run once more, nothing of another time is live
    const path = `/orders/${orders}`;
    await granted(stage, await deniedId(stage, "DELETE", path));
    const dana = createCall(system.proxyUrl, await system.token("dana"));
    await waitUntil("the grant to be used", ARRIVAL_MS, async () => {
      const { status } = await dana("DELETE", path);
      return status === 404; // of the orders API, which has no such order: the call was let through
    });
    const planting = createPlanting(system, gateway, api);
    await planting.everything();
    const { decision_id: last } = members((await dana("PUT", "/orders/1", { body: {} })).body, "decision_id");
    await waitUntil("the last decision to be on the audit topic", ARRIVAL_MS, async () => {
      const audit = await recordsOf(system.kafka.settings, TOPICS.audit.name);
      return audit.some(({ value }) => value?.includes(String(last)));
    });

    const logs = {
      ...Object.fromEntries(await Promise.all(system.decisions.map(async (one) => [one.name, await one.log()]))),
      approval: await system.approval.log(),
      gateway: gateway.lines.join("\n"),
    };
    const events = (log: unknown) => new Set([...String(log).matchAll(/"event":"([a-z_]+)"/g)].map(([, name]) => name));
    // Or what follows shows nothing: the logs speak, at every level, of all that was tried.
    expect([...events(logs.approval)]).toEqual(
      expect.arrayContaining(["rest_request", "record_quarantined", "postgres_connection_lost", "leadership_lost"]),
    );
    expect([...events(Object.values(logs)[0])]).toEqual(
      expect.arrayContaining(["decision", "stream_away", "state_record_refused"]),
    );
    for (const log of Object.values(logs)) expect(String(log)).toContain('"level":"debug"');

    for (const [name, { opsUrl, log }] of [
      ...system.decisions.map((one) => [one.name, one] as const),
      ["approval", system.approval] as const,
      ["gateway", { opsUrl: gateway.opsUrl, log: async () => gateway.lines.join("\n") }] as const,
    ]) {
      expect([name, await wronglyCounted(opsUrl, log)]).toEqual([name, []]);
    }

    await untilTold(String(last));

    const secrets = await allSecrets(system, planting.secrets);
    const secretsElsewhere = new Map([...secrets, ...planting.answered]);
    const forged: readonly string[] = [TOPICS.denials.name, TOPICS.decisions.name, TOPICS.state.name];
    const topics = await Promise.all(
      Object.values(TOPICS).map(async ({ name }) => {
        const records = await recordsOf(system.kafka.settings, name);
        const ours = records.filter(
          ({ key }) => !(forged.includes(name) && key === PLANTED["the key of such a record"]),
        );
        return [`topic ${name}`, ours.map(({ key, value }) => `${key} ${value?.toString("utf8") ?? ""}`).join("\n")];
      }),
    );
    const opsUrls = [...system.decisions, system.approval, gateway].map(({ opsUrl }) => opsUrl);
    const ops = await Promise.all(
      opsUrls.flatMap((url) => ["/metrics", "/readyz"].map(async (path) => (await fetch(`${url}${path}`)).text())),
    );
    const places: readonly (readonly [string, string])[] = [
      ...Object.entries(logs).map(([name, log]) => [`the log of ${name}`, String(log)] as const),
      ...topics.map(([name = "", text = ""]) => [name, text] as const),
      ["the database", await tables()],
      [ANSWERS, planting.answers.join("\n")],
      [
        "notifications",
        system.notified.map(({ body, rawHeaders }) => `${body.toString()} ${rawHeaders.join()}`).join("\n"),
      ],
      ["metrics and readiness", ops.join("\n")],
      ["the spans of the services", collector.text()],
    ];
    const found = places.flatMap(([place, text]) => leaks(place === ANSWERS ? secrets : secretsElsewhere, place, text));
    expect(found).toEqual([]);
    expect(places.filter(([, text]) => text.length < 100).map(([place]) => place)).toEqual([]);
  }, 240_000);
});
