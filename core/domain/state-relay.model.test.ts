/**
 * Rule 3 as a model: a database with grants and an incident, a relay, a compacted topic, somebody who may write to the
 * topic but cannot sign (what a deposed relay sends late looks like its replays), and a PDP that is paused, cut off, restarted and given a wrong wall clock. Whatever happens in
 * whatever order, nothing is allowed later than 7 s after its revocation was committed; and once the faults stop and the
 * topic is repaired, the same PDP is fresh again without a restart.
 */
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Clocks, freshness, type Heartbeats, NO_HEARTBEATS, receiveHeartbeat } from "./freshness.ts";
import { createStateView } from "./state-view.ts";
import { instant } from "./time.ts";

const T0 = 1_795_000_000_000;
/** An incident goes by the same rule: `active` is open, and none is said to be open 7 s after it was closed. */
const KEYS = ["grant/a", "grant/b", "incident/c"];
type State = "active" | "revoked";
type Signed =
  | { readonly kind: "grant"; readonly key: string; readonly version: number; readonly state: State }
  | { readonly kind: "heartbeat"; readonly key: "heartbeat"; readonly databaseMs: number; readonly setHash: bigint };
type TopicRecord = Signed | { readonly kind: "null"; readonly key: string };

/** Any function that spreads (key, version) will do for the model. */
const recordHash = (key: string, version: number) => BigInt(KEYS.indexOf(key) + 1) * 1_000_000_007n ** BigInt(version);

function startingGrant(): { readonly version: number; readonly state: State; readonly revokedMs: number } {
  return { version: 1, state: "active", revokedMs: Infinity };
}

function createWorld() {
  let nowMs = T0;
  let wallBehindMs = 0;
  let held: Signed[] = [];
  const grants = new Map(KEYS.map((key) => [key, startingGrant()]));
  let log: (TopicRecord | undefined)[] = [];
  const everSigned: Signed[] = [];
  const published = new Map<string, number>();

  const append = (record: TopicRecord) => log.push(record);
  const sign = (record: Signed): Signed => {
    everSigned.push(record);
    return record;
  };
  const setHash = () => [...published].reduce((sum, [key, version]) => sum + recordHash(key, version), 0n);

  /** One round of the relay; whether it `repairs` depends on how far it has read its own topic. */
  function relay(repairs: boolean): void {
    const databaseMs = nowMs;
    for (const key of KEYS) {
      const last = log.findLast((record) => record?.key === key);
      const grant = grants.get(key);
      if (grant === undefined) continue;
      const standsLast = last?.kind === "grant" && last.version === grant.version;
      if (published.get(key) === grant.version && (standsLast || !repairs)) continue;
      append(sign({ kind: "grant", key, version: grant.version, state: grant.state }));
      published.set(key, grant.version);
    }
    append(sign({ kind: "heartbeat", key: "heartbeat", databaseMs, setHash: setHash() }));
  }

  /** A relay that is about to be deposed: it has read time and rows, and publishes them when it wakes up. */
  function hold(): void {
    const rows = [...grants].map(([key, { version, state }]) => sign({ kind: "grant", key, version, state }));
    const ownHash = [...grants].reduce((sum, [key, { version }]) => sum + recordHash(key, version), 0n);
    held = [...rows, sign({ kind: "heartbeat", key: "heartbeat", databaseMs: nowMs, setHash: ownHash })];
  }

  function compact(): void {
    const lastOf = new Map<string, number>();
    log.forEach((record, offset) => record !== undefined && lastOf.set(record.key, offset));
    log = log.map((record, offset) => (record !== undefined && lastOf.get(record.key) === offset ? record : undefined));
  }

  function createPdp() {
    let view = createStateView<State>(recordHash);
    let heartbeats: Heartbeats = NO_HEARTBEATS;
    let position = 0;
    const clocks = (): Clocks => ({ wall: instant(nowMs - wallBehindMs), monoMs: nowMs - T0 });
    return {
      read(atMost: number): void {
        for (let read = 0; position < log.length && read < atMost; position += 1) {
          const record = log[position];
          if (record === undefined) continue;
          read += 1;
          if (record.kind === "null") view.tombstone(record.key);
          else if (record.kind === "grant") {
            const { key, version, state } = record;
            view.apply({ key, version, value: state });
          } else {
            const heartbeat = { databaseTime: instant(record.databaseMs), setHash: record.setHash };
            heartbeats = receiveHeartbeat(heartbeats, heartbeat, clocks(), view.sum());
          }
        }
      },
      restart(): void {
        view = createStateView<State>(recordHash);
        heartbeats = NO_HEARTBEATS;
        position = 0;
      },
      allows: (key: string) => freshness(heartbeats, clocks()).kind === "fresh" && view.get(key) === "active",
      isFresh: () => freshness(heartbeats, clocks()).kind === "fresh",
    };
  }

  return {
    pdp: createPdp(),
    relay,
    compact,
    append,
    everSigned,
    grants,
    hold,
    publishLate: () => held.forEach(append),
    setWallBehind: (ms: number) => {
      wallBehindMs = ms;
    },
    wait: (ms: number) => {
      nowMs += ms;
    },
    revoke(key: string): void {
      const grant = grants.get(key);
      if (grant === undefined || grant.state === "revoked") return;
      grants.set(key, { version: grant.version + 1, state: "revoked", revokedMs: nowMs });
    },
    overdue: (key: string) => nowMs - (grants.get(key)?.revokedMs ?? Infinity) > 7_000,
  };
}

const key = fc.constantFrom(...KEYS);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("relay" as const), repairs: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("read" as const), count: fc.constantFrom(1, 3, 100) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, 900, 3_000, 5_000, 8_000) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("revoke" as const), key }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("replay" as const), index: fc.nat({ max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("null" as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("compact" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("hold" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("publishLate" as const) }) },
  // Negative is ahead: a wall clock may run fast by any amount.
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("wall" as const), ms: fc.constantFrom(2_000, 0, -2_500, -60_000) }),
  },
);

test("no allow later than 7 s after a revocation, and fresh again without a restart once the faults stop", () => {
  let allows = 0;
  let refusals = 0;
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60, size: "max" }),
      fc.integer({ min: 0, max: 2_000 }),
      (steps, wallBehindMs) => {
        const world = createWorld();
        world.setWallBehind(wallBehindMs);
        const { pdp } = world;
        for (const one of steps) {
          if (one.do === "relay") world.relay(one.repairs);
          else if (one.do === "read") pdp.read(one.count);
          else if (one.do === "wait") world.wait(one.ms);
          else if (one.do === "revoke") world.revoke(one.key);
          else if (one.do === "null") world.append({ kind: "null", key: one.key });
          else if (one.do === "compact") world.compact();
          else if (one.do === "restart") pdp.restart();
          else if (one.do === "hold") world.hold();
          else if (one.do === "publishLate") world.publishLate();
          else if (one.do === "wall") world.setWallBehind(one.ms);
          else if (world.everSigned.length > 0) {
            const old = world.everSigned[one.index % world.everSigned.length];
            if (old !== undefined) world.append(old);
          }
          for (const each of KEYS) {
            const allowed = pdp.allows(each);
            allows += allowed ? 1 : 0;
            refusals += allowed ? 0 : 1;
            if (allowed) expect(world.overdue(each)).toBe(false);
          }
        }
        world.setWallBehind(wallBehindMs);
        world.wait(1_000);
        world.relay(true);
        pdp.read(Infinity);
        expect(pdp.isFresh()).toBe(true);
        for (const each of KEYS) expect(pdp.allows(each)).toBe(world.grants.get(each)?.state === "active");
      },
    ),
    { numRuns: 5_000 },
  );
  // A model that never allows, or never refuses, would show nothing.
  expect(Math.min(allows, refusals)).toBeGreaterThan(1_000);
});

const wrongWallStep = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("beat" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, 900, 5_000, 61_000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("replay" as const), index: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("publishLate" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("hold" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("revoke" as const), key }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("wall" as const), ms: fc.integer({ min: -200_000, max: 200_000 }) }),
  },
);

test("a wall clock that is wrong by any amount opens nothing once a heartbeat has come in time, whatever is replayed in silence", () => {
  let allows = 0;
  fc.assert(
    fc.property(fc.array(wrongWallStep, { maxLength: 60, size: "max" }), (steps) => {
      const world = createWorld();
      const { pdp } = world;
      // The running PDP is not read late: what the relay says it hears at once, or, while the two are apart, never.
      const beat = () => {
        world.relay(true);
        pdp.read(Infinity);
      };
      beat();
      for (const one of steps) {
        if (one.do === "beat") beat();
        else if (one.do === "wait") world.wait(one.ms);
        else if (one.do === "hold") world.hold();
        else if (one.do === "revoke") world.revoke(one.key);
        else if (one.do === "wall") world.setWallBehind(one.ms);
        else if (one.do === "publishLate") world.publishLate();
        else {
          const old = world.everSigned[one.index % world.everSigned.length];
          if (old !== undefined) world.append(old);
        }
        pdp.read(Infinity);
        for (const each of KEYS) {
          if (!pdp.allows(each)) continue;
          allows += 1;
          expect(world.overdue(each)).toBe(false);
        }
      }
      world.setWallBehind(0);
      world.wait(1_000);
      beat();
      expect(pdp.isFresh()).toBe(true);
    }),
    { numRuns: 5_000 },
  );
  expect(allows).toBeGreaterThan(1_000);
});
