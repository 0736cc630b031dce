import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import type { Clocks } from "../../../core/domain/freshness.ts";
import type { Grant } from "../../../core/domain/grant.ts";
import { id } from "../../../core/domain/id.ts";
import type { Incident } from "../../../core/domain/incident.ts";
import { SET_SUM_BITS } from "../../../core/domain/state-view.ts";
import { durationMs, instant, plus } from "../../../core/domain/time.ts";
import { sealEnvelope } from "../../../core/messages/envelope.ts";
import { incidentKey, incidentToWire } from "../../../core/messages/incident-record.ts";
import { earlierSetHashOf, setHashOf, stateRecordHash } from "../../../core/messages/record-keys.ts";
import { createSigner, createVerifier } from "../../../core/messages/signing.ts";
import {
  EARLIER_HEARTBEAT_KEY,
  grantKey,
  grantToWire,
  HEARTBEAT_KEY,
  heartbeatToWire,
} from "../../../core/messages/state-record.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { StreamRecord, Subscription } from "../../../platform/stream/port.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { createGrantsView } from "./grants-view.ts";
import { createStateReader } from "./state-reader.ts";
import { ELEVATION, GRANT } from "../../../test/samples/domain.ts";

const NOW = instant(1_795_478_400_000);
const READY_WITHIN_MS = 5_000;
const topic = TOPICS.state.name;
const pair = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");
const pem = (key: typeof pair.privateKey) => key.export({ type: "pkcs8", format: "pem" }).toString();
const relay = createSigner("relay-1", pem(pair.privateKey));
const forger = createSigner("relay-1", pem(stranger.privateKey));
const verifier = createVerifier(
  new Map([["relay-1", pair.publicKey.export({ type: "spki", format: "pem" }).toString()]]),
);

const grant: Grant = {
  ...GRANT,
  ...{ version: 2, issuer: "i", entitlement: "e", scope: "s", maxUses: "unlimited" },
  ...{ notBefore: NOW, expiresAt: plus(NOW, durationMs(600_000)) },
};
const key = grantKey(grant.id);

function record(key: string, version: number, payload: unknown, signer = relay): StreamRecord {
  const bytes = Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload));
  const { value, headers } = sealEnvelope(signer, { deployment: "test", topic, key }, version, bytes);
  return wire(key, value, new Map([...headers].map(([name, text]) => [name, Buffer.from(text)])));
}

function wire(key: string, value: Buffer | null, headers = new Map<string, Buffer>()): StreamRecord {
  return { topic, partition: 0, offset: 0n, key, value, headers, timestampMs: 0 };
}

const grantRecord = (changed: Partial<Grant> = {}, signer = relay) => {
  const value = { ...grant, ...changed };
  return record(key, value.version, grantToWire(value), signer);
};
const heartbeat = (sum: bigint, at = NOW) =>
  record(HEARTBEAT_KEY, 0, heartbeatToWire({ databaseTime: at, setHash: setHashOf(sum) }));
/** As every relay once sent them, and this one still does to earlier decision services. */
const earlierHeartbeat = (sum: bigint, at = NOW) =>
  record(EARLIER_HEARTBEAT_KEY, 0, heartbeatToWire({ databaseTime: at, setHash: earlierSetHashOf(sum) }));

/** Starts a reader; `feed` hands it records as the stream does. */
function reading(end = 0n) {
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
    /** The skews that the log named, in order. */
    warned: () => lines.flatMap((line) => /"event":"clock_skew","skew":"(\w+)"/.exec(line)?.[1] ?? []),
  };
}

function covers({ view, clocks }: ReturnType<typeof reading>) {
  const subject = { issuer: "i", id: "dana", groups: [], claims: {}, actors: [] };
  const elevation = { ...ELEVATION, entitlement: "e", scope: "s" };
  return view.covering({ subject, elevations: [elevation], http: undefined }, clocks);
}

const HASH = stateRecordHash(key, 2);

describe("state that opens nothing", () => {
  test("a grant or heartbeat that a stranger signed changes nothing", async () => {
    const reads = reading();
    await reads.feed(
      grantRecord({}, forger),
      record(HEARTBEAT_KEY, 0, heartbeatToWire({ databaseTime: NOW, setHash: setHashOf(0n) }), forger),
    );
    expect(reads.view.size).toBe(0);
    expect(reads.kinds()).toEqual({ kind: "stale", why: "no_heartbeat" });
  });

  test("an older record that is replayed, before or after a null, brings nothing back", async () => {
    const reads = reading();
    await reads.feed(grantRecord(), grantRecord({ version: 3, state: "revoked" }), grantRecord());
    await reads.feed(heartbeat(stateRecordHash(key, 3)));
    expect(covers(reads)).toEqual({ kind: "uncovered", nearest: "revoked" });
    await reads.feed(wire(key, null), grantRecord(), heartbeat(0n));
    expect(covers(reads)).toEqual({ kind: "uncovered", nearest: undefined });
  });

  test("a profile is no part of the set: neither one that is genuine, nor a null, nor one that a stranger signed", async () => {
    const reads = reading();
    await reads.feed(
      grantRecord(),
      record("profile/aa", 5, {}),
      record("profile/bb", 5, {}, forger),
      wire("profile/cc", null),
    );
    await reads.feed(heartbeat(HASH));
    expect(reads.view.size).toBe(1);
    expect(covers(reads)).toMatchObject({ kind: "covered" });
  });

  test("a null that anybody wrote makes the set differ, which is stale", async () => {
    const reads = reading();
    await reads.feed(grantRecord(), wire(key, null), heartbeat(HASH));
    expect(covers(reads)).toEqual({ kind: "stale", why: "set_hash_differs" });
  });

  test("a payload under another key or version than it names counts in the set and holds nothing", async () => {
    const reads = reading();
    await reads.feed(record(key, 5, grantToWire(grant)), heartbeat(stateRecordHash(key, 5)));
    expect(reads.view.size).toBe(1);
    expect(covers(reads)).toEqual({ kind: "uncovered", nearest: undefined });
  });

  test("an unreadable payload with a good signature counts in the set and holds nothing", async () => {
    const reads = reading();
    await reads.feed(record(key, 2, "{"), heartbeat(HASH));
    expect(reads.kinds().kind).toBe("fresh");
    expect(covers(reads)).toEqual({ kind: "uncovered", nearest: undefined });
  });

  test("a heartbeat of six seconds ago is too old", async () => {
    const reads = reading();
    await reads.feed(grantRecord(), heartbeat(HASH, instant(NOW - 6_000)));
    expect(covers(reads)).toEqual({ kind: "stale", why: "too_old" });
  });
});

describe("heartbeats for earlier decision services", () => {
  test("open nothing, alone or beside others, and are no key of the set", async () => {
    const reads = reading();
    await reads.feed(grantRecord(), earlierHeartbeat(HASH));
    expect(covers(reads)).toEqual({ kind: "stale", why: "no_heartbeat" });
    await reads.feed(heartbeat(HASH));
    expect(covers(reads)).toMatchObject({ kind: "covered" });
    reads.clocks = { wall: instant(NOW + 6_000), monoMs: 7_000 };
    await reads.feed(earlierHeartbeat(HASH, instant(NOW + 6_000)));
    expect(covers(reads)).toEqual({ kind: "stale", why: "too_old" });
    expect(reads.view.size).toBe(1);
  });
});

describe("incidents", () => {
  const incident: Incident = {
    id: id("incident", "01930000-0000-7000-8000-000000000007"),
    ...{ version: 1, state: "open", severity: "high", scope: "orders", openedAt: NOW },
  };
  const incidentRecord = (changed: Partial<Incident> = {}, signer = relay, key = incidentKey(incident.id)) => {
    const value = { ...incident, ...changed };
    return record(key, value.version, incidentToWire(value), signer);
  };
  const opened = stateRecordHash(incidentKey(incident.id), 1);
  const shown = { id: incident.id, severity: "high", scope: "orders", since: "2026-11-24T00:00:00.000Z" };

  test("are unknown, not none, until a heartbeat has confirmed the set; one that does not leaves them unknown", async () => {
    const reads = reading();
    expect(reads.view.incidents()).toBeUndefined();
    await reads.feed(incidentRecord(), heartbeat(0n));
    expect([reads.view.incidents(), reads.kinds().kind]).toEqual([undefined, "stale"]);
    await reads.feed(heartbeat(opened));
    expect([reads.view.incidents(), reads.kinds().kind]).toEqual([[shown], "fresh"]);
  });

  test("keep their last value and are not fresh when one is taken away by a null, or the heartbeats end", async () => {
    const reads = reading();
    await reads.feed(incidentRecord(), heartbeat(opened), wire(incidentKey(incident.id), null), heartbeat(opened));
    expect([reads.view.incidents(), reads.kinds().kind]).toEqual([[shown], "stale"]);
    await reads.feed(incidentRecord(), heartbeat(opened));
    reads.clocks = { wall: instant(NOW + 6_000), monoMs: 7_000 };
    expect([reads.view.incidents(), reads.kinds().kind]).toEqual([[shown], "stale"]);
  });

  test("stay where only the sum of an earlier heartbeat confirms that they and chosen grants are gone", async () => {
    const reads = reading();
    const sum = BigInt.asUintN(SET_SUM_BITS, opened + HASH);
    await reads.feed(grantRecord(), incidentRecord(), heartbeat(sum));
    await reads.feed(wire(incidentKey(incident.id), null), wire(key, null));
    await reads.feed(earlierHeartbeat(0n, instant(NOW + 1)));
    expect([reads.view.incidents(), reads.kinds().kind]).toEqual([[shown], "fresh"]);
    await reads.feed(heartbeat(sum, instant(NOW + 2)));
    expect([reads.view.incidents(), reads.kinds()]).toEqual([[shown], { kind: "stale", why: "set_hash_differs" }]);
  });

  test("that a stranger signed, that were closed since, or that are written under a grant's key, are not open", async () => {
    const reads = reading();
    await reads.feed(incidentRecord({}, forger), incidentRecord({ version: 2, state: "closed" }), incidentRecord());
    await reads.feed(
      incidentRecord({}, relay, key),
      heartbeat(BigInt.asUintN(SET_SUM_BITS, stateRecordHash(incidentKey(incident.id), 2) + stateRecordHash(key, 1))),
    );
    expect([reads.view.incidents(), reads.kinds().kind]).toEqual([[], "fresh"]);
  });
});

describe("clocks that differ", () => {
  test("an old heartbeat that stood in the topic is no word of the clock; those that come as they are made are", async () => {
    const reads = reading(1n);
    await reads.feed(heartbeat(0n, instant(NOW - 600_000)));
    expect(reads.warned()).toEqual([]);
    reads.clocks = { wall: instant(NOW + 10_000), monoMs: 1_100 };
    await reads.feed(heartbeat(0n, NOW));
    expect(reads.warned()).toEqual([]);
    reads.clocks = { wall: instant(NOW + 11_000), monoMs: 2_100 };
    await reads.feed(heartbeat(0n, instant(NOW + 1_000)));
    expect(reads.warned()).toEqual(["wall_ahead"]);
    reads.clocks = { wall: instant(NOW - 3_600_000), monoMs: 3_100 };
    await reads.feed(heartbeat(0n, instant(NOW + 2_000)));
    expect(reads.warned()).toEqual(["wall_ahead", "wall_behind"]);
    expect(reads.kinds()).toEqual({ kind: "stale", why: "clock_skew" });
  });
});

describe("ready", () => {
  test("not before everything that stood there at the start is read", async () => {
    const reads = reading(2n);
    await reads.feed(grantRecord());
    expect(reads.reader.read()).toBe("reading");
    await reads.feed(heartbeat(HASH));
    await waitUntil("the end to be seen", 30_000, () => reads.reader.read() === "read_to_end");
    expect(covers(reads)).toMatchObject({ kind: "covered", candidates: [{ grant: { id: grant.id } }] });
  });

  test("without a stream not before the time given; then it reads on all the same", async () => {
    const reads = reading(1n);
    reads.clocks = { wall: NOW, monoMs: 1_000 + READY_WITHIN_MS - 1 };
    expect(reads.reader.read()).toBe("reading");
    reads.clocks = { wall: NOW, monoMs: 1_000 + READY_WITHIN_MS };
    expect(reads.reader.read()).toBe("gave_up_waiting");
    await reads.feed(heartbeat(0n));
    await waitUntil("the end to be seen", 30_000, () => reads.reader.read() === "read_to_end");
  });
});
