import { describe, expect, test } from "@jest/globals";
import { id } from "../../../core/domain/id.ts";
import type { Incident } from "../../../core/domain/incident.ts";
import { SET_SUM_BITS } from "../../../core/domain/state-view.ts";
import { instant } from "../../../core/domain/time.ts";
import { incidentKey, incidentToWire } from "../../../core/messages/incident-record.ts";
import { stateRecordHash } from "../../../core/messages/record-keys.ts";
import { EARLIER_HEARTBEAT_KEY } from "../../../core/messages/state-record.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { StreamRecord } from "../../../platform/stream/port.ts";
import {
  covers,
  earlierHeartbeat,
  forger,
  grantRecord,
  HASH,
  heartbeat,
  key,
  NOW,
  reading,
  record,
  relay,
  wire,
} from "../../../test/samples/state-reading.ts";

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

  const EVENT = "heartbeats_of_earlier_version";
  /** Reads these in each of ten more seconds, and returns how often their version was told of. */
  async function toldOf(reads: ReturnType<typeof reading>, ...records: StreamRecord[]): Promise<number> {
    for (let second = 0; second < 10; second += 1) {
      reads.clocks = { wall: NOW, monoMs: reads.clocks.monoMs + 1_000 };
      await reads.feed(...records);
    }
    return reads.told(EVENT);
  }
  const atTheEnd = async (reads = reading()) => {
    await waitUntil("the end to be seen", 30_000, () => reads.reader.read() === "read_to_end");
    return reads;
  };

  test("are not told of while others come, nor those of a stranger, nor those that stood there at the start", async () => {
    expect(await toldOf(await atTheEnd(), heartbeat(0n), earlierHeartbeat(0n))).toBe(0);
    expect(await toldOf(await atTheEnd(), earlierHeartbeat(0n, NOW, forger), wire(EARLIER_HEARTBEAT_KEY, null))).toBe(
      0,
    );
    const starting = reading(10n);
    expect(await toldOf(starting, earlierHeartbeat(0n))).toBe(0);
    await atTheEnd(starting);
    await starting.feed(earlierHeartbeat(0n));
    expect(starting.told(EVENT)).toBe(0);
  });

  test("are told of once, five seconds after the first one that came alone, and again after others have come", async () => {
    const reads = await atTheEnd();
    await reads.feed(heartbeat(0n), earlierHeartbeat(0n));
    reads.clocks = { wall: NOW, monoMs: 5_999 };
    await reads.feed(earlierHeartbeat(0n));
    expect(reads.told(EVENT)).toBe(0);
    reads.clocks = { wall: NOW, monoMs: 6_000 };
    await reads.feed(earlierHeartbeat(0n));
    expect(reads.told(EVENT)).toBe(1);
    expect(await toldOf(reads, earlierHeartbeat(0n))).toBe(1);
    await reads.feed(heartbeat(0n));
    expect(await toldOf(reads, earlierHeartbeat(0n))).toBe(2);
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
