/**
 * The approval service: constructs everything and starts it; main/ holds what would make this file too long. Order: what the rest depends on
 * first, the listeners last, so that the end runs backwards. Each loop (relays, sealer, sweeper, webhook) runs in one process at a time by an
 * advisory lock of its own, so any number of these processes may run. The stream may be down at start; the database may not.
 */
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { createPartyMapper } from "../../../core/identity/party.ts";
import { startIdentity } from "../../../core/identity/start-identity.ts";
import { requiredTopics } from "../../../core/messages/required-topics.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { RELOADED } from "../../../core/policy/bundles/start-bundles.ts";
import { startPolicy } from "../../../core/policy/start-policy.ts";
import { systemClock, uuidv7 } from "../../../platform/clock.ts";
import { createCertificates } from "../../../platform/config/certificates.ts";
import { answers, type CheckResult, startOpsServer } from "../../../platform/http/ops-server.ts";
import { fromFiles, onAddress } from "../../../platform/lifecycle/cannot-start.ts";
import { type Running, runProgram } from "../../../platform/lifecycle/run-program.ts";
import { createTogether } from "../../../platform/lifecycle/together.ts";
import { withDatabase } from "../../../platform/postgres/cannot-reach.ts";
import { ping } from "../../../platform/postgres/ping.ts";
import { createBell } from "../../../platform/postgres/bell.ts";
import { createDatabase } from "../../../platform/postgres/pool.ts";
import { streamServer } from "../../../platform/stream/open-stream.ts";
import { startTopicCheck } from "../../../platform/stream/topic-check.ts";
import { startTracesIf } from "../../../platform/traces/traces.ts";
import { type ApprovalConfig, policySettings, readConfig } from "../config.ts";
import { createAccessRequests } from "./access-requests.ts";
import { createCommands } from "./commands.ts";
import { createIntake } from "./intake.ts";
import { startKeys } from "./keys.ts";
import { notifies, startLoops } from "./loops.ts";
import { startRedemption } from "./redemption.ts";
import { createTracing, UNTRACED } from "./tracing.ts";
import { createApprovalPolicy } from "../policy/approval-policy.ts";
import type { Ids, People } from "../ports.ts";
import { startRest } from "../rest/server.ts";
import { exposeBacklog } from "./backlog-gauges.ts";
import { exposeUnpublishedAge } from "./unpublished-age.ts";
import { relayRows } from "../store/audit-rows.ts";
import { isMigrated, migrate, requireMigrated } from "../store/migrate.ts";
import { createStore } from "../store/store.ts";

const DATABASE_SETTING = "database.url (DATABASE_URL)";
const DATABASE_DOWN: CheckResult = {
  status: "failed",
  detail: "the database does not answer; nothing can be submitted, reviewed or redeemed",
};
const STREAM_DOWN: CheckResult = {
  status: "degraded",
  detail: "the brokers do not answer; grants and the record wait in the database",
};

async function start(
  config: ApprovalConfig,
  { log, metrics, lifecycle, reload }: Running<ApprovalConfig>,
): Promise<void> {
  const { deployment } = config;
  const { signal } = lifecycle;
  const now = () => instant(Math.max(0, systemClock.wallMs()));

  const traces = await startTracesIf(config.traces, { service: "countersign-approval", instance: config.instance });
  if (traces !== undefined) lifecycle.own(traces);
  const system = config.kafka === undefined ? "postgresql" : "kafka";

  // What everything rests on: database, stream, keys, policy.
  const database = lifecycle.own(
    createDatabase(
      { log },
      {
        connection: config.database.url,
        applicationName: `countersign-${config.instance}`,
        maxConnections: config.database.maxConnections,
      },
    ),
  );
  await withDatabase(DATABASE_SETTING, config.database.url, async () => {
    if (config.database.migrate && !(await isMigrated(database))) {
      const ran = await migrate(config.database.url);
      log.info({ event: "migrated", ran }, "the database is up to date");
    }
    await requireMigrated(database);
  });

  const streamAt = await fromFiles("kafka", "certificates and keys that can be used (PEM)", () =>
    streamServer(config, { clientName: `countersign-approval-${config.instance}`, log }),
  );
  const topicCheck = startTopicCheck(
    {
      verify: () => streamAt.verifyTopics(requiredTopics(["denials", "decisions", "state", "audit"])),
      onFault: (error) => lifecycle.stop(error),
      log,
    },
    signal,
  );
  const { signer, ownKeys, decisionServiceKeys } = await startKeys({ reload }, config);

  const identity = lifecycle.own(
    await startIdentity(
      { clock: systemClock, signal, log, metrics },
      { ...config.identity, callersShowCertificates: false },
    ),
  );
  const partyOf = createPartyMapper(identity.issuers, identity.principals);
  const people: People = { resolve: (subject) => Promise.resolve(partyOf(subject)) };
  const policy = lifecycle.own(await startPolicy({ clock: systemClock, signal, log, metrics }, policySettings(config)));

  const ids: Ids = { fresh: (kind) => id(kind, uuidv7()) };
  const tracing = traces === undefined ? UNTRACED : createTracing(traces, { database, system });
  const store = tracing.store(
    createStore({ database, ids, traceparent: traces?.here }, { deployment, notifies: notifies(config) }),
  );
  const commands = tracing.commands(
    createCommands(
      {
        store,
        people,
        policy: tracing.policy(createApprovalPolicy({ host: policy.host, wallMs: systemClock.wallMs, log })),
        ids,
        bell: createBell({ database, log }, ["countersign_grants", "countersign_outbox"]),
      },
      config,
    ),
  );

  const { submit, review, cancel, revoke, redeem, dismiss, openIncident, closeIncident } = commands;

  // NB: consumers are owned before the stream, so that the stream is closed first.
  const intake = createIntake(
    { database, commands, verifier: decisionServiceKeys, lifecycle, log, metrics },
    { deployment },
  );
  const stream = lifecycle.own(streamAt.open({ onFatal: (error) => lifecycle.stop(error) }));
  void intake.start(stream, policy.untilActive());
  exposeBacklog({ database, metrics });
  exposeUnpublishedAge({ database, rows: relayRows, metrics, monotonicMs: systemClock.monotonicMs });
  await startLoops(
    { database, stream, signer, verifier: ownKeys, commands, ids, tracing, lifecycle, log, metrics },
    config,
  );

  const pems = createCertificates(metrics);
  const listeners = lifecycle.own(createTogether());
  const redemption = await startRedemption(
    { redeem: tracing.redeem(redeem), database, listeners, pems, log, metrics, lifecycle, reload },
    config,
  );
  const tls = await fromFiles("rest.certPath", "a certificate with its key and authority (PEM)", () =>
    pems.server("rest", config.rest),
  );
  const rest = listeners.own(
    await onAddress("rest", config.rest, () =>
      startRest(
        {
          submit,
          review,
          cancel,
          revoke,
          openIncident,
          closeIncident,
          replay: intake.replay,
          dismiss,
          identify: (authorization) => identity.identify({ authorization }, now()),
          people,
          isSecurity: ({ issuer, groups }) =>
            config.roles.security.some((role) => role.issuer === issuer && groups.includes(role.group)),
          reads: store.reads,
          listings: store.listings,
          log,
          metrics,
          idempotencyKeys: store.idempotencyKeys,
          accessRequests: createAccessRequests(decisionServiceKeys, config.accessRequests),
          newRequestId: uuidv7,
          monotonicMs: systemClock.monotonicMs,
          traces,
        },
        { ...config.rest, tls, drainMs: config.drainMs },
      ),
    ),
  );
  reload.part("issuer_keys", [], () => identity.reload());
  if (config.kafka !== undefined) reload.part("kafka", streamAt.reloadable, (again) => streamAt.reload(again));
  reload.part("policy", RELOADED, ({ bundle }) => policy.reload(bundle));
  reload.part("rest_tls", ["rest.certPath", "rest.keyPath"], async (again) =>
    rest.replaceCertificate(await pems.server("rest", again.rest)),
  );
  const checks = new Map<string, () => CheckResult | Promise<CheckResult>>([
    ["database", () => answers(() => ping(database), DATABASE_DOWN)],
    ["bundle", policy.health],
    ["keys", () => identity.health(now())],
    ["topics", topicCheck.result],
    ["reload", reload.health],
    ["stream", () => answers((deadlineMs) => stream.endOffsets(TOPICS.state.name, { deadlineMs }), STREAM_DOWN)],
  ]);
  const ops = lifecycle.own(
    await onAddress("ops", config.ops, () =>
      startOpsServer({ metrics, checks, log, documents: new Map([["/v1/bundle", policy.describe]]) }, config.ops),
    ),
  );
  log.info(
    {
      event: "started",
      rest: `${config.rest.host}:${rest.port}`,
      redemption,
      ops: `${config.ops.host}:${ops.port}`,
      tls: { rest: config.rest.certPath !== undefined, redemption: config.redemption.certPath !== undefined },
      database: URL.parse(config.database.url)?.host || "by connection string",
      stream: streamAt.name,
      bundle: policy.host.revision() ?? "none yet",
      issuers: [...identity.issuers.keys()],
      // NB: behind the host there may be a secret of the receiver.
      webhook: config.webhook === undefined ? "none" : new URL(config.webhook.url).origin,
    },
    "approval service listens",
  );
  reload.begin();
}

/** Until it ends; the code to end with. */
export function runService(): Promise<number> {
  return runProgram(
    { name: "approval", prefix: "countersign_approval_", read: readConfig, endMs: ({ drainMs }) => drainMs + 5_000 },
    start,
  );
}
