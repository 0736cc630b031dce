/** A decision service's reader of the state topic over its view, without a stream: the records of one grant, and heartbeats over it. */
import { generateKeyPairSync } from "node:crypto";
import type { Clocks } from "../../core/domain/freshness.ts";
import type { Grant } from "../../core/domain/grant.ts";
import { durationMs, instant, plus } from "../../core/domain/time.ts";
import { sealEnvelope } from "../../core/messages/envelope.ts";
import { earlierSetHashOf, setHashOf, stateRecordHash } from "../../core/messages/record-keys.ts";
import { createSigner, createVerifier } from "../../core/messages/signing.ts";
import {
  EARLIER_HEARTBEAT_KEY,
  grantKey,
  grantToWire,
  HEARTBEAT_KEY,
  heartbeatToWire,
} from "../../core/messages/state-record.ts";
import { TOPICS } from "../../core/messages/topics.ts";
import { createLog } from "../../platform/log/log.ts";
import { createMetrics } from "../../platform/metrics/metrics.ts";
import type { StreamRecord, Subscription } from "../../platform/stream/port.ts";
import { ELEVATION, GRANT } from "./domain.ts";
import { createGrantsView } from "../../services/decision/grants/grants-view.ts";
import { createStateReader } from "../../services/decision/grants/state-reader.ts";

export const NOW = instant(1_795_478_400_000);
export const READY_WITHIN_MS = 5_000;
const topic = TOPICS.state.name;
const pair = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");
const pem = (key: typeof pair.privateKey) => key.export({ type: "pkcs8", format: "pem" }).toString();
export const relay = createSigner("relay-1", pem(pair.privateKey));
export const forger = createSigner("relay-1", pem(stranger.privateKey));
const verifier = createVerifier(
  new Map([["relay-1", pair.publicKey.export({ type: "spki", format: "pem" }).toString()]]),
);

export const grant: Grant = {
  ...GRANT,
  ...{ version: 2, issuer: "i", entitlement: "e", scope: "s", maxUses: "unlimited" },
  ...{ notBefore: NOW, expiresAt: plus(NOW, durationMs(600_000)) },
};
export const key = grantKey(grant.id);

export function record(key: string, version: number, payload: unknown, signer = relay): StreamRecord {
  const bytes = Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload));
  const { value, headers } = sealEnvelope(signer, { deployment: "test", topic, key }, version, bytes);
  return wire(key, value, new Map([...headers].map(([name, text]) => [name, Buffer.from(text)])));
}

export function wire(key: string, value: Buffer | null, headers = new Map<string, Buffer>()): StreamRecord {
  return { topic, partition: 0, offset: 0n, key, value, headers, timestampMs: 0 };
}

export const grantRecord = (changed: Partial<Grant> = {}, signer = relay) => {
  const value = { ...grant, ...changed };
  return record(key, value.version, grantToWire(value), signer);
};
export const heartbeat = (sum: bigint, at = NOW) =>
  record(HEARTBEAT_KEY, 0, heartbeatToWire({ databaseTime: at, setHash: setHashOf(sum) }));
/** As every relay once sent them, and this one still does to earlier decision services. */
export const earlierHeartbeat = (sum: bigint, at = NOW, signer = relay) =>
  record(EARLIER_HEARTBEAT_KEY, 0, heartbeatToWire({ databaseTime: at, setHash: earlierSetHashOf(sum) }), signer);

/** Starts a reader; `feed` hands it records as the stream does. */
export function reading(end = 0n) {
  let subscription: Subscription | undefined;
  let position = 0n;
  let clocks: Clocks = { wall: NOW, monoMs: 1_000 };
  const lines: string[] = [];
  const view = createGrantsView();
  const reader = createStateReader(
    {
      stream: {
        subscribe: (given) => {
          subscription = given;
        },
        endOffsets: () => Promise.resolve(new Map([[0, end]])),
        position: () => new Map([[0, position]]),
      },
      verifier,
      view,
      readClocks: () => clocks,
      log: createLog({ name: "test", level: "warn", destination: { write: (line) => void lines.push(line) } }),
      metrics: createMetrics({ prefix: "t_" }),
    },
    { deployment: "test", readyWithinMs: READY_WITHIN_MS },
  );
  const stop = new AbortController();
  reader.start(stop.signal);
  const feed = async (...records: StreamRecord[]) => {
    const nextOffset = position + BigInt(records.length);
    await subscription?.handle({ topic, partition: 0, fromOffset: position, nextOffset, records });
    position = nextOffset;
  };
  return {
    ...{ reader, feed, view, kinds: () => view.freshness(clocks) },
    get clocks() {
      return clocks;
    },
    set clocks(given) {
      clocks = given;
    },
    /** How many lines the log has of this event. */
    told: (event: string) => lines.filter((line) => line.includes(`"event":"${event}"`)).length,
    /** The skews that the log named, in order. */
    warned: () => lines.flatMap((line) => /"event":"clock_skew","skew":"(\w+)"/.exec(line)?.[1] ?? []),
  };
}

export function covers({ view, clocks }: ReturnType<typeof reading>) {
  const subject = { issuer: "i", id: "dana", groups: [], claims: {}, actors: [] };
  const elevation = { ...ELEVATION, entitlement: "e", scope: "s" };
  return view.covering({ subject, elevations: [elevation], http: undefined }, clocks);
}

export const HASH = stateRecordHash(key, 2);
