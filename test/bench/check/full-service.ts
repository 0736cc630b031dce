/**
 * The decision service as in production, for the bench: the real program with the committed policy, decisions shipped to a stream in
 * Postgres, and grants read from there. Who tells the grants and the heartbeats is the bench, under the relay's key.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createStateView } from "../../../core/domain/state-view.ts";
import { instant } from "../../../core/domain/time.ts";
import { sealEnvelope } from "../../../core/messages/envelope.ts";
import { stateRecordHash } from "../../../core/messages/record-keys.ts";
import { createSigner } from "../../../core/messages/signing.ts";
import { grantKey, grantToWire, HEARTBEAT_KEY, heartbeatToWire } from "../../../core/messages/state-record.ts";
import { topicSpecs } from "../../../core/messages/topic-setup.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { createLog } from "../../../platform/log/log.ts";
import { streamServer } from "../../../platform/stream/open-stream.ts";
import type { EventStream, OutgoingRecord } from "../../../platform/stream/port.ts";
import { createTestDatabase } from "../../harness/postgres.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { makeKeyPair } from "../../harness/system/key-pair.ts";
import { DEPLOYMENT, ISSUER, type LoneOptions, startLoneDecision } from "../../integration/decision/lone-decision.ts";
import type { Cores } from "../cores.ts";
import { type Measured, measured } from "../load/measured.ts";
import { grantsFor } from "./sample-check.ts";

const SUBJECTS = 1_000;
const HEARTBEAT_MS = 1_000;
/** A slow answer is to count as slow, and not as refused. */
export const PATIENT = { deadlineMs: 30_000 };
const DEADLINE = { deadlineMs: 10_000 };
const topic = TOPICS.state.name;
const log = createLog({ name: "bench", level: "silent" });

/** Other than in production: what a comparison changes. */
type FullServiceOptions = Pick<LoneOptions, "bundle" | "trust" | "further" | "furtherKey" | "preload"> & {
  /** The service may use both; its database may not. */
  readonly onBoth?: Cores["onBoth"];
};

export async function startFullService(options: FullServiceOptions = {}): Promise<Decision> {
  const { onBoth = (start) => start(), ...changes } = options;
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const database = owned.use(await createTestDatabase());
  const url = database.connectionString;
  const server = await streamServer({ stream: { kind: "postgres", url } }, { clientName: "bench", log });
  await server.createTopics(topicSpecs({ partitions: 1, replicas: 1 }));
  const stream = owned.use(server.open({ onFatal: () => {} }));
  const stateRelay = await makeKeyPair(folder, "relay");
  owned.use(await startTelling(stream, stateRelay));
  const own = { folder, name: "decision", streamUrl: url, stateRelay, listen: PATIENT, hasOwnClock: false };
  const decision = owned.use(await onBoth(() => startLoneDecision({ ...changes, ...own })));
  await decision.untilFresh();
  const all = owned.move();
  return { ...decision, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Alone on its core from now on. */
export async function measuredDecision(decision: Decision, cores: Cores): Promise<Measured> {
  const pid = decision.pid();
  if (pid === undefined) throw new Error("the decision service is gone");
  await cores.measured(pid);
  return measured([decision.port], [decision.opsUrl]);
}

/** What the state relay does, for a set of grants that never changes. */
async function startTelling(
  stream: EventStream,
  key: { readonly kid: string; readonly privatePath: string },
): Promise<Disposable> {
  const signer = createSigner(key.kid, await readFile(key.privatePath, "utf8"));
  const view = createStateView<undefined>();
  const sealed = (recordKey: string, version: number, payload: object): OutgoingRecord => ({
    ...{ topic, key: recordKey },
    ...sealEnvelope(
      signer,
      { deployment: DEPLOYMENT, topic, key: recordKey },
      version,
      Buffer.from(JSON.stringify(payload)),
    ),
  });
  const records: OutgoingRecord[] = [];
  for (const grant of grantsFor(SUBJECTS, ISSUER, instant(Date.now()))) {
    const recordKey = grantKey(grant.id);
    view.apply({ key: recordKey, version: 1, recordHash: stateRecordHash(recordKey, 1), value: undefined });
    records.push(sealed(recordKey, 1, grantToWire(grant)));
  }
  const beat = () => {
    const heartbeat = { databaseTime: instant(Date.now()), setHash: view.setHash() };
    return stream.publish([sealed(HEARTBEAT_KEY, 0, heartbeatToWire(heartbeat))], DEADLINE);
  };
  const told = await stream.publish(records, DEADLINE);
  if (told.kind !== "acked") throw new Error("the grants cannot be told", { cause: told.cause });
  await beat();
  const timer = setInterval(() => void beat(), HEARTBEAT_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
