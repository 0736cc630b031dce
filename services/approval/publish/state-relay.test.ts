import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import { sealEnvelope } from "../../../core/messages/envelope.ts";
import { createSigner, createVerifier } from "../../../core/messages/signing.ts";
import { HEARTBEAT_KEY } from "../../../core/messages/state-record.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { Lease } from "../../../platform/postgres/leadership.ts";
import type { OutgoingRecord, StreamBatch, Subscription } from "../../../platform/stream/port.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { createStateRelay } from "./state-relay.ts";
import type { KeyVersion } from "./ports.ts";
import type { StateKind, StateRows } from "./state-source.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const signer = createSigner("relay", privateKey.export({ type: "pkcs8", format: "pem" }).toString());
const verifier = createVerifier(new Map([["relay", publicKey.export({ type: "spki", format: "pem" }).toString()]]));
const deployment = "test";
const topic = "state";

/** A relay that leads over these published grants, and reads whatever it or the test puts on the topic. */
function relayOver(
  published: readonly KeyVersion[],
  overtakeTopic: StateKind["overtakeTopic"],
  changed: Partial<StateKind> = {},
) {
  let subscription: Subscription | undefined;
  let time = 1_795_478_400_000;
  let offset = 0n;
  const rows: StateRows = {
    databaseTime: () => Promise.resolve(instant(++time)),
    kinds: [
      {
        kind: "grant",
        published: () => Promise.resolve(published),
        unpublished: () => Promise.resolve([]),
        markPublished: () => Promise.resolve(),
        markUnpublished: () => Promise.resolve(),
        dueTombstones: () => Promise.resolve([]),
        markTombstoned: () => Promise.resolve(),
        notTombstoned: () => Promise.resolve([]),
        overtakeTopic,
        ...changed,
      },
    ],
  };
  async function read({ key, value, headers }: OutgoingRecord): Promise<void> {
    const asRead = new Map([...(headers ?? [])].map(([name, text]) => [name, Buffer.from(text)]));
    const record = { topic, partition: 0, offset, key, value, headers: asRead, timestampMs: 0 };
    const batch: StreamBatch = { topic, partition: 0, fromOffset: offset, nextOffset: ++offset, records: [record] };
    await subscription?.handle(batch);
  }
  const heartbeats: OutgoingRecord[] = [];
  const stop = new AbortController();
  const lease: Lease = {
    query: () => Promise.reject(new Error("not asked for")),
    transaction: () => Promise.reject(new Error("not asked for")),
    signal: stop.signal,
  };
  const relay = createStateRelay(
    {
      rows,
      leadership: { run: (task) => task(lease).catch(() => {}), leading: true },
      wakeup: {
        next: () => new Promise((resolve) => setImmediate(resolve)),
        close: () => Promise.resolve(),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      },
      stream: {
        subscribe(given) {
          subscription = given;
        },
        publish(records) {
          heartbeats.push(...records.filter(({ key }) => key === HEARTBEAT_KEY));
          return Promise.resolve({ kind: "acked" });
        },
      },
      signer,
      verifier,
      log: createLog({ name: "test", level: "silent" }),
      metrics: createMetrics({ prefix: "t_" }),
    },
    { deployment, topic },
  );
  const running = relay.run(stop.signal);
  return {
    /** What a relay that the database has forgotten put there. */
    newer: (key: string, version: number) =>
      read({ topic, key, ...sealEnvelope(signer, { deployment, topic, key }, version, Buffer.from("{}")) }),
    /** Reads a heartbeat that is not the newest one. */
    async someHeartbeat() {
      await waitUntil("two heartbeats", 30_000, () => heartbeats.length >= 2);
      const older = heartbeats.at(-2);
      if (older !== undefined) await read(older);
    },
    async newestHeartbeat() {
      const newest = heartbeats.at(-1);
      if (newest !== undefined) await read(newest);
    },
    ended: running,
    async stop() {
      stop.abort();
      await running;
    },
  };
}

test("a term that begins with many grants lets others have their turns before its first look, and ends among them when it is to stop", async () => {
  let hashed = 0;
  const keys = Array.from({ length: 5_000 }, (_, n) => ({
    key: `grant/${n}`,
    get version() {
      hashed += 1;
      return 1;
    },
  }));
  const order: string[] = [];
  const overKeys = (onTurn: () => void) =>
    relayOver([], () => Promise.resolve([]), {
      published() {
        setImmediate(onTurn);
        return Promise.resolve(keys);
      },
      unpublished() {
        order.push("look");
        return Promise.resolve([]);
      },
    });
  const leading = overKeys(() => order.push("turn"));
  await leading.someHeartbeat();
  await leading.stop();
  expect(order.slice(0, 2)).toEqual(["turn", "look"]);

  hashed = 0;
  const stopping = overKeys(() => void stopping.stop());
  await stopping.ended;
  expect(hashed).toBeLessThan(keys.length);
});

test("a grant that is found behind the topic while others are being ended is ended as well", async () => {
  const [first, second] = ["grant/01930000-0000-7000-8000-000000000001", "grant/01930000-0000-7000-8000-000000000002"];
  const ended: (readonly KeyVersion[])[] = [];
  const relay = relayOver(
    [
      { key: first, version: 1 },
      { key: second, version: 1 },
    ],
    async (_lease, behind) => {
      ended.push(behind);
      if (ended.length === 1) {
        // The reader goes on while the database works.
        await relay.newer(second, 7);
        await relay.newestHeartbeat();
      }
      return behind.map((one) => one.key);
    },
  );
  await relay.newer(first, 5);
  await relay.someHeartbeat();
  await waitUntil("both to be ended", 30_000, () => ended.length >= 2);
  await relay.stop();
  expect(ended).toEqual([[{ key: first, version: 5 }], [{ key: second, version: 7 }]]);
});
