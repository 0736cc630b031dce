/**
 * The whole real set on this machine: Kafka, PostgreSQL, two token issuers, the orders API, one or more decision services, one or more
 * approval services and Envoy, each a process of its own that can be stopped, killed, frozen and started again on its ports. End-to-end tests and the
 * demo are built on it. Everything lives in a temporary folder that is removed at the end.
 *
 * The decision services reach Kafka by way of a proxy (`kafkaRoad`), so that they can be cut off from it while all others are not.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TopicReader } from "../../core/messages/topics.ts";
import type { EventStream } from "../../platform/stream/port.ts";
import { SAMPLE_ACCOUNTS } from "../../sample/token-issuer/accounts.ts";
import { type RunningEnvoy, hasEnvoy, startEnvoy } from "./envoy.ts";
import { hasKafka, startKafka, type TestKafka } from "./kafka.ts";
import { type RecordingUpstream, startRecordingUpstream } from "./recording-upstream.ts";
import { type Approval, type ApprovalPorts, approvalPorts, createApproval } from "./system/approval.ts";
import { type Call, createCall } from "../../platform/programs/client.ts";
import { type SystemDatabase, startDatabase } from "./system/database.ts";
import { createDecision, type Decision } from "./system/decision.ts";
import { createIssuer, type Issuer, OTHER_ACCOUNTS } from "./system/issuer.ts";
import { type KeyPairFiles, makeKeyPair } from "./system/key-pair.ts";
import type { SystemOptions } from "./system/options.ts";
import { createOrders, type Orders } from "./system/orders.ts";
import { openPostgresStream, preparePostgresStream } from "./system/stream.ts";
import { createSystemTopics, openKafkaStream, PARTITIONS } from "./system/topics.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const ENVOY_PORTS = { decision: 9191, orders: 8081 };

export interface System extends AsyncDisposable {
  /** Name of the deployment, as it stands in every signature. */
  readonly deployment: string;
  /** What decision services show to redeem. */
  readonly serviceToken: string;
  /** Where clients call: Envoy. */
  readonly proxyUrl: string;
  readonly envoy: RunningEnvoy;
  readonly orders: Orders;
  readonly decisions: readonly Decision[];
  /** The first approval service, for those who have one. */
  readonly approval: Approval;
  /** All of them, on one database, under one key. */
  readonly approvals: readonly Approval[];
  /** Which of them the decision services redeem at from now on; the first until told. */
  redeemAt(approval: number): void;
  /** `main` is where everybody belongs; `other` knows the same people under other subjects. */
  readonly issuers: { readonly main: Issuer; readonly other: Issuer };
  /** Throws where the stream is in the database. */
  readonly kafka: TestKafka;
  /** The stream as whoever may do everything has it; whoever opens it closes it. */
  readonly openStream: () => EventStream;
  readonly kafkaRoad: TcpProxy;
  readonly database: SystemDatabase;
  /** What the approval service notified: one signed webhook each. */
  readonly notified: RecordingUpstream["received"];
  /** Whoever is notified takes nothing that many times. */
  readonly refuseNotified: RecordingUpstream["refuse"];
  /** The key files of the state relay (`approval`) and of each decision service (its name). */
  readonly keys: ReadonlyMap<string, KeyPairFiles>;
  token(user: string, issuer?: "main" | "other"): Promise<string>;
  /** Every token that was ever given to anybody: each is another. */
  readonly tokensGiven: readonly string[];
  /** Calls as a person, or as nobody. `proxy` goes through Envoy, `approvals` to the REST interface. */
  as(user: string | undefined, issuer?: "main" | "other"): Promise<{ readonly proxy: Call; readonly approvals: Call }>;
  /** The last lines of every process: what a test prints when it fails. */
  logs(): Promise<string>;
}

/** Whether all that has to be there from outside is; a test that needs the system is skipped without it. */
export async function canStartSystem({ stream }: Pick<SystemOptions, "stream"> = {}): Promise<boolean> {
  return (await hasEnvoy()) && (stream === "postgres" || (await hasKafka()));
}

/** Resolves when everything is ready and every decision service is fresh. What was started is ended when something does not start. */
export async function startSystem({
  stream,
  decisions: decisionCount = 1,
  approvals: approvalCount = 1,
  decisionSettings,
  approvalSettings,
  replaceMain = (main) => Promise.resolve(main),
  databaseUrl = (own) => own,
  envoyClusters = [],
  secureKafka = false,
  collector,
}: SystemOptions = {}): Promise<System> {
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "system-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const deployment = `test-${randomUUID()}`;
  const serviceToken = `CANARY0-${randomUUID()}`;

  const kafkaRoad = owned.use(await startTcpProxy());
  const webhookTarget = owned.use(await startRecordingUpstream());
  const issuers = {
    main: owned.use(await createIssuer({ folder, name: "issuer", accounts: SAMPLE_ACCOUNTS })),
    other: owned.use(await createIssuer({ folder, name: "other-issuer", accounts: OTHER_ACCOUNTS })),
  };
  const orders = owned.use(await createOrders({ folder }));
  // All settled before anything is said to have failed, so that what came up meanwhile is ended too.
  const samples = Promise.all([issuers.main, issuers.other, orders].map((program) => program.start()));
  const [kafkaStart, databaseStart, samplesStart] = await Promise.allSettled([
    stream === undefined
      ? startKafka({ proxyPort: kafkaRoad.port, secure: secureKafka }).then((kafka) => owned.use(kafka))
      : undefined,
    startDatabase().then((database) => owned.use(database)),
    samples,
  ]);
  const [kafka, database] = [valueOf(kafkaStart), valueOf(databaseStart)];
  valueOf(samplesStart);
  const { connectionString } = database;
  if (kafka !== undefined) {
    kafkaRoad.target = kafka.proxyTarget;
    await createSystemTopics(kafka.settings);
  }
  const roleOf =
    kafka === undefined ? await preparePostgresStream(connectionString, { partitions: PARTITIONS }) : undefined;
  const streamOf = (part: TopicReader) => (roleOf === undefined ? {} : { streamUrl: roleOf(part) });

  const traces = collector === undefined ? {} : { traces: { endpoint: collector.endpoint } };
  const relayKey = await makeKeyPair(folder, "approval");
  const names = Array.from({ length: decisionCount }, (_, index) => `decision-${index + 1}`);
  const decisionKeys = await Promise.all(names.map((name) => makeKeyPair(folder, name)));
  const everyIssuer = [issuers.main, issuers.other];
  const [approvalMain, decisionMain] = [
    await replaceMain("services/approval/main.ts", folder),
    await replaceMain("services/decision/main.ts", folder),
  ];
  const [firstPorts, ...furtherPorts] = [
    await approvalPorts(),
    ...(await Promise.all(Array.from({ length: approvalCount - 1 }, approvalPorts))),
  ];
  const startable = (ports: ApprovalPorts, name: string) =>
    owned.use(
      createApproval(
        {
          ...{ folder, name, deployment, ports, signing: relayKey, decisionKeys, issuers: everyIssuer },
          ...{
            brokers: kafka?.brokers ?? [],
            databaseUrl: databaseUrl(connectionString),
            serviceToken,
            main: approvalMain,
          },
          ...streamOf("approval"),
          // As receivers have it who know a sender by the address: a secret, which no log may show.
          webhookUrl: `http://127.0.0.1:${webhookTarget.port}/CANARY0webhook-address`,
        },
        (settings) => ({ ...(approvalSettings?.(settings) ?? settings), ...traces }),
      ),
    );
  const approval = startable(firstPorts, "approval");
  const approvals = [approval, ...furtherPorts.map((ports, index) => startable(ports, `approval-${index + 2}`))];
  const redemptionPorts = [firstPorts, ...furtherPorts].map(({ redemption }) => redemption);
  // One address for all of them, where there are several: what a load balancer would be.
  const redemptionRoad = furtherPorts.length === 0 ? undefined : owned.use(await startTcpProxy());
  const redeemAt = (index: number) => {
    if (redemptionRoad !== undefined) redemptionRoad.target = redemptionPorts[index] ?? 0;
  };
  redeemAt(0);
  const decisions: Decision[] = [];
  for (const signing of decisionKeys) {
    const terms = {
      ...{ folder, name: signing.kid, deployment, signing, stateRelay: relayKey, issuers: everyIssuer },
      brokers: kafka?.proxied.brokers ?? [],
      ...streamOf("decision"),
      main: decisionMain,
      redemption: { address: `127.0.0.1:${redemptionRoad?.port ?? firstPorts.redemption}`, serviceToken },
      requestUrl: `${approval.url}/v1/requests`,
    };
    decisions.push(
      owned.use(
        await createDecision(terms, (settings) => ({ ...(decisionSettings?.(settings) ?? settings), ...traces })),
      ),
    );
  }
  await Promise.all([...approvals, ...decisions].map((program) => program.start()));
  await Promise.all(decisions.map((decision) => decision.untilFresh()));

  const envoy = owned.use(
    await startEnvoy({
      bootstrap: "enforcers/envoy/native.yaml",
      clusters: envoyClusters,
      collectorPort: collector?.port,
      ports: new Map<number, number | readonly number[]>([
        [ENVOY_PORTS.decision, decisions.map(({ port }) => port)],
        [ENVOY_PORTS.orders, orders.port],
      ]),
    }),
  );
  const proxyUrl = `http://127.0.0.1:${envoy.port}`;
  const programs = [...approvals, ...decisions, orders, issuers.main, issuers.other];
  const tokensGiven: string[] = [];
  const token: System["token"] = async (user, issuer = "main") => {
    const given = await issuers[issuer].token(user);
    tokensGiven.push(given);
    return given;
  };
  const all = owned.move();
  return {
    ...{ deployment, serviceToken, proxyUrl, envoy, orders, decisions, approval, approvals, redeemAt },
    ...{ issuers, kafkaRoad, database },
    get kafka() {
      if (kafka === undefined) throw new Error("the stream of this system is in its database");
      return kafka;
    },
    openStream: () => (kafka === undefined ? openPostgresStream(connectionString) : openKafkaStream(kafka.settings)),
    notified: webhookTarget.received,
    refuseNotified: webhookTarget.refuse,
    keys: new Map([relayKey, ...decisionKeys].map((key) => [key.kid, key])),
    ...{ token, tokensGiven },
    async as(user, issuer) {
      const bearer = user === undefined ? undefined : await token(user, issuer);
      return { proxy: createCall(proxyUrl, bearer), approvals: createCall(approval.url, bearer) };
    },
    async logs() {
      const texts = await Promise.all(programs.map(async ({ name, tail }) => `--- ${name}\n${await tail()}`));
      return [...texts, `--- envoy\n${envoy.log()}`].join("\n");
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function valueOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === "rejected") throw settled.reason;
  return settled.value;
}
