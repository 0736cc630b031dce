/**
 * The approval service: constructs everything and starts it. Order: what the rest rests on first, the listeners last, so that
 * the end runs backwards. Each loop (relays, sealer, sweeper, webhook) leads by an advisory lock of its own, so any number of
 * these processes may run. The stream may be down at start; the database may not. Long, because it is the one place that constructs.
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { id } from "../../core/domain/id.ts";
import { instant } from "../../core/domain/time.ts";
import { createIdentify } from "../../core/identity/identify.ts";
import { createIssuers } from "../../core/identity/issuers.ts";
import { createKeySets } from "../../core/identity/key-sets.ts";
import { createPartyMapper } from "../../core/identity/party.ts";
import { digestFromHashes } from "../../core/messages/binding-digest.ts";
import { hashJson } from "../../core/messages/hashing.ts";
import { requestKey } from "../../core/messages/record-keys.ts";
import { requiredTopics } from "../../core/messages/required-topics.ts";
import { createSigner, createVerifier } from "../../core/messages/signing.ts";
import { TOPICS } from "../../core/messages/topics.ts";
import { BUILTINS } from "../../core/policy/builtins/registry.ts";
import { loadBundle } from "../../core/policy/bundle.ts";
import { createPolicyHost } from "../../core/policy/policy-host.ts";
import { systemClock, uuidv7 } from "../../platform/clock.ts";
import { readPems, readServerTls } from "../../platform/config/pem-files.ts";
import { answers, type CheckResult, startOpsServer } from "../../platform/http/ops-server.ts";
import { CannotStart, fromFiles, onAddress } from "../../platform/lifecycle/cannot-start.ts";
import { type Lifecycle, run } from "../../platform/lifecycle/lifecycle.ts";
import { createLog, type Log } from "../../platform/log/log.ts";
import { createMetrics } from "../../platform/metrics/metrics.ts";
import { withDatabase } from "../../platform/postgres/cannot-reach.ts";
import { createLeadership, type Leadership } from "../../platform/postgres/leadership.ts";
import { createDatabase } from "../../platform/postgres/pool.ts";
import { createWakeup } from "../../platform/postgres/wakeup.ts";
import { streamServer } from "../../platform/stream/open-stream.ts";
import { startTopicCheck } from "../../platform/stream/topic-check.ts";
import { createAcceptDenial } from "./commands/accept-denial.ts";
import { createCancelRequest } from "./commands/cancel-request.ts";
import { createQuarantineRecord } from "./commands/quarantine-record.ts";
import { createRecordDecisions } from "./commands/record-decision.ts";
import { createRedeem } from "./commands/redeem.ts";
import { createReviewRequest } from "./commands/review-request.ts";
import { createRevokeGrant } from "./commands/revoke-grant.ts";
import { createSubmitRequest } from "./commands/submit-request.ts";
import { createSweep } from "./commands/sweep.ts";
import { type ApprovalConfig, readConfig } from "./config.ts";
import { startRedemptionServer } from "./grpc/redemption-server.ts";
import { createConsumer, createIntakeMetrics } from "./intake/consumer.ts";
import { createDecisionReader } from "./intake/decisions.ts";
import { createDenialReader } from "./intake/denials.ts";
import { exposeLag } from "./intake/lag.ts";
import { withQuarantine } from "./intake/quarantine.ts";
import { createDeliver } from "./notify/deliver.ts";
import { createWebhookKey } from "./notify/signature.ts";
import { createTargetCheck, resolveBySystem } from "./notify/target-address.ts";
import { createWebhook } from "./notify/webhook.ts";
import { createApprovalPolicy } from "./policy/approval-policy.ts";
import type { Ids, People } from "./ports.ts";
import { createAuditRelay } from "./publish/audit-relay.ts";
import { createSealer } from "./publish/sealer.ts";
import { createStateRelay } from "./publish/state-relay.ts";
import { startRest } from "./rest/server.ts";
import { exposeBacklog } from "./store/backlog.ts";
import { databaseNow } from "./store/clock.ts";
import { migrate, requireMigrated } from "./store/migrate.ts";
import { advanceOffset, knownOffset, storedOffset } from "./store/offsets.ts";
import * as stateRows from "./store/state-rows.ts";
import { createStore } from "./store/store.ts";
import { createSweeper } from "./sweep.ts";

const DATABASE_SETTING = "database.url (DATABASE_URL)";
const CERTIFICATE = "a certificate with its key and authority (PEM)";
const DATABASE_DOWN: CheckResult = {
  status: "failed",
  detail: "the database does not answer; nothing can be submitted, reviewed or redeemed",
};
const STREAM_DOWN: CheckResult = {
  status: "degraded",
  detail: "the brokers do not answer; grants and the record wait in the database",
};

async function start(config: ApprovalConfig, log: Log, lifecycle: Lifecycle): Promise<void> {
  const { deployment } = config;
  const { signal } = lifecycle;
  const metrics = createMetrics({ prefix: "countersign_approval_" });
  const now = () => instant(Math.max(0, systemClock.wallMs()));

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
    if (config.database.migrate) {
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
  const { kid, keyPath, previousKeys } = config.signing;
  const [signer, privateKey] = await fromFiles("signing.keyPath", "an Ed25519 private key (PKCS#8, PEM)", async () => {
    const pem = await readFile(keyPath, "utf8");
    return [createSigner(kid, pem), pem];
  });
  const ownKeys = await fromFiles("signing.previousKeys", "Ed25519 public keys (PEM)", async () =>
    createVerifier(new Map([...(await readPems(previousKeys)), [kid, privateKey]])),
  );
  const decisionServiceKeys = await fromFiles("decisionServices.trustedKeys", "Ed25519 public keys (PEM)", async () =>
    createVerifier(await readPems(config.decisionServices.trustedKeys)),
  );

  const issuers = createIssuers(config.identity.issuers);
  const { keyFolder, defaultRealm } = config.identity;
  const keySets = lifecycle.own(
    await createKeySets(
      {
        issuers,
        clock: systemClock,
        signal,
        onEvent: (event) =>
          log[event.kind === "keys_refresh_failed" ? "warn" : "info"]({ ...event, event: event.kind }, "key set"),
      },
      keyFolder === undefined ? {} : { directory: keyFolder },
    ),
  );
  const identify = createIdentify({ issuers, keySets });
  const partyOf = createPartyMapper(issuers);
  const people: People = { resolve: (subject) => Promise.resolve(partyOf(subject)) };

  const host = createPolicyHost({ builtins: BUILTINS, randomBytes }, { defaultRealm });
  const activation = await host.activate(
    await fromFiles("bundle.path", "a bundle, such as scripts/build-bundle.ts writes", () =>
      loadBundle(config.bundle.path),
    ),
  );
  if (activation.kind === "refused")
    throw new CannotStart(
      `bundle.path: the bundle is refused (${activation.reason}: ${activation.detail}); build it anew`,
    );
  log.info({ event: "bundle_activated", revision: activation.revision }, "policy is active");
  const policy = createApprovalPolicy({ host, wallMs: systemClock.wallMs, log });

  // The commands.
  const ids: Ids = { fresh: (kind) => id(kind, uuidv7()) };
  const digests = { requestKey, ofJson: hashJson, ofCall: digestOfCall };
  const store = createStore({ database, ids }, { deployment });
  const { reads, listings } = store;
  const submit = createSubmitRequest({ reads, people, router: policy, digests, ids, store });
  const review = createReviewRequest({ reads, people, permission: policy, ids, store });
  const cancel = createCancelRequest({ people, store });
  const revoke = createRevokeGrant({ reads, people, store });
  const quarantine = createQuarantineRecord({ store });

  // Intake. NB: consumers are owned before the stream, so that the stream is closed first.
  const intake = createIntakeMetrics(metrics);
  const readers = new Map([
    [
      TOPICS.denials.name,
      createDenialReader(
        { verifier: decisionServiceKeys, accept: createAcceptDenial({ store, submit }) },
        { deployment },
      ),
    ],
    [
      TOPICS.decisions.name,
      createDecisionReader({ verifier: decisionServiceKeys, record: createRecordDecisions({ store }) }, { deployment }),
    ],
  ]);
  const offsets = {
    stored: (topic: string, partition: number, initial: bigint) => storedOffset(database, topic, partition, initial),
    advance: (position: Parameters<typeof advanceOffset>[1]) => advanceOffset(database, position),
  };
  const consumers = [...readers].map(([topic, read]) => {
    const take = withQuarantine(read, { quarantine, metrics: intake });
    return lifecycle.own(createConsumer({ database, offsets, take, log, lost: intake.lost }, topic));
  });
  const stream = lifecycle.own(streamAt.open({ onFatal: (error) => lifecycle.stop(error) }));
  for (const consumer of consumers) stream.subscribe(consumer.subscription);
  exposeBacklog({ database, metrics });
  exposeLag({ metrics, stream, stored: (topic, partition) => knownOffset(database, topic, partition) }, [
    ...readers.keys(),
  ]);

  const leaderships = new Map<string, Leadership>();
  metrics.gauge("leading", "1 when this process runs the loop, 0 when another one does", ["loop"], (gauge) => {
    for (const [name, one] of leaderships) gauge.set({ loop: name }, one.leading ? 1 : 0);
  });
  // The loops; each ends with the signal, and the end waits for them.
  const stateRelay = createStateRelay(
    {
      ...loop("state-relay", "countersign_grants"),
      rows: { ...stateRows, databaseTime: databaseNow },
      stream,
      signer,
      verifier: ownKeys,
      log,
      metrics,
    },
    { deployment, topic: TOPICS.state.name },
  );
  const sealer = createSealer({ ...loop("sealer", "countersign_outbox"), metrics });
  const auditRelay = createAuditRelay(
    { ...loop("audit-relay", "countersign_audit"), stream, log, metrics },
    { topic: TOPICS.audit.name },
  );
  const sweeper = createSweeper({ leadership: leadership("sweeper"), sweep: createSweep({ store }) });
  const webhook = await createNotifier();
  for (const one of [stateRelay, sealer, auditRelay, sweeper, webhook]) {
    if (one !== undefined) keepRunning(one.run(signal));
  }

  // The listeners.
  const tls = {
    redemption: await fromFiles("redemption.certPath", CERTIFICATE, () => readServerTls(config.redemption)),
    rest: await fromFiles("rest.certPath", CERTIFICATE, () => readServerTls(config.rest)),
  };
  const redemption = lifecycle.own(
    await onAddress("redemption", config.redemption, () =>
      startRedemptionServer(
        { redeem: createRedeem({ store }), log, metrics },
        {
          host: config.redemption.host,
          port: config.redemption.port,
          tls: tls.redemption,
          serviceToken: () => config.redemption.serviceToken,
          drainMs: config.drainMs,
        },
      ),
    ),
  );
  const rest = lifecycle.own(
    await onAddress("rest", config.rest, () =>
      startRest(
        {
          identify: (authorization) => identify.identify({ authorization }, now()),
          people,
          isSecurity: ({ issuer, groups }) =>
            config.roles.security.some((role) => role.issuer === issuer && groups.includes(role.group)),
          submit,
          review,
          cancel,
          revoke,
          reads,
          listings,
          log,
          metrics,
          newRequestId: uuidv7,
        },
        { host: config.rest.host, port: config.rest.port, tls: tls.rest },
      ),
    ),
  );
  const checks = new Map<string, () => CheckResult | Promise<CheckResult>>([
    ["database", () => answers(() => database.query("select 1"), DATABASE_DOWN)],
    ["bundle", () => (host.revision() === undefined ? { status: "failed" } : { status: "ok" })],
    [
      "keys",
      () =>
        keySets.status(now()).every(({ usable }) => usable)
          ? { status: "ok" }
          : { status: "failed", detail: "an issuer has no usable keys" },
    ],
    ["topics", topicCheck.result],
    ["stream", () => answers(() => stream.endOffsets(TOPICS.state.name, { deadlineMs: 1_000 }), STREAM_DOWN)],
  ]);
  const ops = lifecycle.own(
    await onAddress("ops", config.ops, () => startOpsServer({ metrics, checks, log }, config.ops)),
  );
  log.info(
    {
      event: "started",
      rest: `${config.rest.host}:${rest.port}`,
      redemption: `${config.redemption.host}:${redemption.port}`,
      ops: `${config.ops.host}:${ops.port}`,
      tls: { rest: config.rest.certPath !== undefined, redemption: config.redemption.certPath !== undefined },
      database: URL.parse(config.database.url)?.host ?? "by connection string",
      stream: streamAt.name,
      bundle: activation.revision,
      issuers: [...issuers.keys()],
      webhook: config.webhook?.url ?? "none",
    },
    "approval service listens",
  );

  function leadership(name: string) {
    const one = createLeadership({ database, log }, { lockName: `countersign.${name}` });
    leaderships.set(name, one);
    return one;
  }

  function loop(name: string, channel: string) {
    return { leadership: leadership(name), wakeup: lifecycle.own(createWakeup({ database, log }, { channel })) };
  }

  function keepRunning(running: Promise<void>): void {
    running.catch((error: unknown) => lifecycle.stop(error));
    lifecycle.own({ [Symbol.asyncDispose]: () => running.catch(() => {}) });
  }

  async function createNotifier() {
    const { webhook: target } = config;
    if (target?.secret === undefined) return undefined;
    const { caPath } = target;
    const ca =
      caPath === undefined
        ? {}
        : { ca: await fromFiles("webhook.caPath", "an authority (PEM)", () => readFile(caPath, "utf8")) };
    const checkTarget = createTargetCheck({ resolve: resolveBySystem }, target.allowedRanges);
    const deliver = createDeliver(
      { checkTarget, key: createWebhookKey(target.secret) },
      { url: new URL(target.url), ...ca },
    );
    return createWebhook({ ...loop("webhook", "countersign_notifications"), deliver, log, metrics });
  }
}

function digestOfCall(
  call: { readonly fieldHashes: Parameters<typeof digestFromHashes>[0] },
  names: readonly string[],
) {
  return digestFromHashes(call.fieldHashes, names);
}

const started = await readConfig(process.argv.slice(2));
if (started.kind === "exit") {
  (started.code === 0 ? process.stdout : process.stderr).write(`${started.text}\n`);
  process.exit(started.code);
}
const { config } = started;
const log = createLog({ name: "approval", instance: config.instance, level: config.logLevel });
const drainDeadlineMs = config.drainMs + 5_000;
process.exit(await run({ log }, { drainDeadlineMs, source: process }, (lifecycle) => start(config, log, lifecycle)));
