/**
 * A stream in Postgres on which grants are told to decision services, and heartbeats over them: what the state relay does, under a key of its
 * own, for a set of grants that never changes.
 */
import { readFile } from "node:fs/promises";
import type { Grant } from "../../../core/domain/grant.ts";
import { createStateView } from "../../../core/domain/state-view.ts";
import { instant } from "../../../core/domain/time.ts";
import { sealEnvelope } from "../../../core/messages/envelope.ts";
import { setHashOf, stateRecordHash } from "../../../core/messages/record-keys.ts";
import { createSigner } from "../../../core/messages/signing.ts";
import { grantKey, grantToWire, HEARTBEAT_KEY, heartbeatToWire } from "../../../core/messages/state-record.ts";
import { topicSpecs } from "../../../core/messages/topic-setup.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { createLog } from "../../../platform/log/log.ts";
import { streamServer } from "../../../platform/stream/open-stream.ts";
import type { EventStream, OutgoingRecord } from "../../../platform/stream/port.ts";
import { createTestDatabase } from "../../harness/postgres.ts";
import { type KeyPairFiles, makeKeyPair } from "../../harness/system/key-pair.ts";

const HEARTBEAT_MS = 1_000;
const DEADLINE = { deadlineMs: 30_000 };
const topic = TOPICS.state.name;
const log = createLog({ name: "test", level: "silent" });

export type ToldGrants = AsyncDisposable & {
  /** What `startLoneDecision` takes. */
  readonly streamUrl: string;
  readonly stateRelay: KeyPairFiles;
  readonly stream: EventStream;
};

/** Resolves when all of them and a heartbeat stand on the stream; tells heartbeats until it is disposed of. */
export async function tellGrants(
  grants: Iterable<Grant>,
  { folder, deployment }: { readonly folder: string; readonly deployment: string },
): Promise<ToldGrants> {
  await using owned = new AsyncDisposableStack();
  const { connectionString: streamUrl } = owned.use(await createTestDatabase());
  const server = await streamServer({ stream: { kind: "postgres", url: streamUrl } }, { clientName: "test", log });
  await server.createTopics(topicSpecs({ partitions: 1, replicas: 1 }));
  const stream = owned.use(server.open({ onFatal: () => {} }));
  const stateRelay = await makeKeyPair(folder, "relay");
  const signer = createSigner(stateRelay.kid, await readFile(stateRelay.privatePath, "utf8"));
  const sealed = (key: string, version: number, payload: object): OutgoingRecord => ({
    ...{ topic, key },
    ...sealEnvelope(signer, { deployment, topic, key }, version, Buffer.from(JSON.stringify(payload))),
  });
  const view = createStateView<undefined>(stateRecordHash);
  const records: OutgoingRecord[] = [];
  for (const grant of grants) {
    const { version } = grant;
    const key = grantKey(grant.id);
    view.apply({ key, version, value: undefined });
    records.push(sealed(key, version, grantToWire(grant)));
  }
  const beat = () => {
    const heartbeat = { databaseTime: instant(Date.now()), setHash: setHashOf(view.sum()) };
    return stream.publish([sealed(HEARTBEAT_KEY, 0, heartbeatToWire(heartbeat))], DEADLINE);
  };
  const told = await stream.publish(records, DEADLINE);
  if (told.kind !== "acked") throw new Error("the grants cannot be told", { cause: told.cause });
  await beat();
  const timer = setInterval(() => void beat(), HEARTBEAT_MS);
  owned.defer(() => clearInterval(timer));
  const all = owned.move();
  return { streamUrl, stateRelay, stream, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
