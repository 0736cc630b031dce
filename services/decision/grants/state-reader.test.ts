import { describe, expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import { setHashOf, stateRecordHash } from "../../../core/messages/record-keys.ts";
import { grantToWire, HEARTBEAT_KEY, heartbeatToWire } from "../../../core/messages/state-record.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import {
  covers,
  forger,
  grant,
  grantRecord,
  HASH,
  heartbeat,
  key,
  NOW,
  reading,
  READY_WITHIN_MS,
  record,
  wire,
} from "../../../test/samples/state-reading.ts";

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
