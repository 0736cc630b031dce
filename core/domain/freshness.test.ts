import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { CLOCK_TOLERANCE_MS, FRESH_WITHIN_MS, freshness, NO_HEARTBEATS, receiveHeartbeat } from "./freshness.ts";
import { instant } from "./time.ts";

const T0 = 1_795_000_000_000;
const clocks = (wallMs: number, monoMs: number) => ({ wall: instant(wallMs), monoMs });
const beat = (databaseMs: number, setHash = 7n) => ({ databaseTime: instant(databaseMs), setHash });

describe("freshness", () => {
  test("without a heartbeat nothing is fresh", () => {
    expect(freshness(NO_HEARTBEATS, clocks(T0, 0))).toEqual({ kind: "stale", why: "no_heartbeat" });
  });

  test("five seconds are fresh, a millisecond more is not", () => {
    const state = receiveHeartbeat(NO_HEARTBEATS, beat(T0), clocks(T0, 0), 7n);
    expect(freshness(state, clocks(T0 + FRESH_WITHIN_MS, FRESH_WITHIN_MS)).kind).toBe("fresh");
    const later = FRESH_WITHIN_MS + 1;
    expect(freshness(state, clocks(T0 + later, later))).toEqual({ kind: "stale", why: "too_old" });
  });

  test("a set that differs is stale until a heartbeat says that it is equal", () => {
    const differs = receiveHeartbeat(NO_HEARTBEATS, beat(T0, 8n), clocks(T0, 0), 7n);
    expect(freshness(differs, clocks(T0, 0))).toEqual({ kind: "stale", why: "set_hash_differs" });
    const equal = receiveHeartbeat(differs, beat(T0 + 1, 8n), clocks(T0, 1), 8n);
    expect(freshness(equal, clocks(T0, 1)).kind).toBe("fresh");
  });

  test("a replayed heartbeat, or a deposed relay's late one, does not make anything younger", () => {
    const state = receiveHeartbeat(NO_HEARTBEATS, beat(T0 + 1_000, 8n), clocks(T0 + 1_000, 1_000), 7n);
    const replayed = receiveHeartbeat(state, beat(T0, 7n), clocks(T0 + 2_000, 2_000), 7n);
    expect(freshness(replayed, clocks(T0 + 2_000, 2_000))).toEqual({ kind: "stale", why: "set_hash_differs" });
  });

  test("a backlog that is read late looks old although it was only just received", () => {
    const state = receiveHeartbeat(NO_HEARTBEATS, beat(T0 - 60_000), clocks(T0, 5), 7n);
    expect(freshness(state, clocks(T0, 5))).toEqual({ kind: "stale", why: "too_old" });
  });

  test("a replayed heartbeat after a silence does not take what is known of the database's time, whatever the wall says", () => {
    const state = receiveHeartbeat(NO_HEARTBEATS, beat(T0), clocks(T0, 0), 7n);
    const after = 600_000;
    // The wall clock has fallen back by ten minutes; the monotonic clock and what it was compared with have not.
    const replayed = receiveHeartbeat(state, beat(T0 - 1_000), clocks(T0, after), 7n);
    expect(freshness(replayed, clocks(T0, after))).toEqual({ kind: "stale", why: "too_old" });
    const same = receiveHeartbeat(state, beat(T0), clocks(T0, after), 7n);
    expect(freshness(same, clocks(T0, after))).toEqual({ kind: "stale", why: "too_old" });
  });

  test("the same heartbeat once more says whether the set is equal now", () => {
    const differs = receiveHeartbeat(NO_HEARTBEATS, beat(T0, 8n), clocks(T0, 0), 7n);
    const repaired = receiveHeartbeat(differs, beat(T0, 8n), clocks(T0 + 1, 1), 8n);
    expect(freshness(repaired, clocks(T0 + 1, 1)).kind).toBe("fresh");
    const lost = receiveHeartbeat(repaired, beat(T0, 8n), clocks(T0 + 2, 2), 7n);
    expect(freshness(lost, clocks(T0 + 2, 2))).toEqual({ kind: "stale", why: "set_hash_differs" });
  });

  test("what is kept over a silence is the best that was known of the database's time, not the last", () => {
    let state = receiveHeartbeat(NO_HEARTBEATS, beat(T0), clocks(T0, 0), 7n);
    state = receiveHeartbeat(state, beat(T0 + 1_000), clocks(T0 + 5_000, 5_000), 7n); // four seconds late
    const behind = (mono: number) => clocks(T0 + mono - 2_000, mono);
    state = receiveHeartbeat(state, beat(T0 + 80_000), behind(84_000), 7n); // as late, after a silence
    expect(freshness(state, behind(85_000)).kind).toBe("fresh");
    expect(freshness(state, behind(85_001))).toEqual({ kind: "stale", why: "too_old" });
  });

  test("the first of a backlog after a silence looks old although the wall clock has fallen back with it", () => {
    const state = receiveHeartbeat(NO_HEARTBEATS, beat(T0), clocks(T0, 0), 7n);
    const after = 600_000;
    const late = receiveHeartbeat(state, beat(T0 + 1_000), clocks(T0, after), 7n);
    expect(freshness(late, clocks(T0, after))).toEqual({ kind: "stale", why: "too_old" });
  });

  test("a database clock that was set back is followed after a minute of heartbeats, without a restart", () => {
    let state = receiveHeartbeat(NO_HEARTBEATS, beat(T0), clocks(T0, 0), 7n);
    let judged = freshness(state, clocks(T0, 0));
    for (let ms = 1_000; ms <= 200_000; ms += 1_000) {
      const wall = T0 + ms - 20_000; // both clocks went back by 20 s
      state = receiveHeartbeat(state, beat(wall), clocks(wall, ms), 7n);
      judged = freshness(state, clocks(wall, ms));
    }
    expect(judged.kind).toBe("fresh");
  });

  test("a flood of replayed heartbeats leaves nothing behind that has to be looked through", () => {
    let state = receiveHeartbeat(NO_HEARTBEATS, beat(T0), clocks(T0, 0), 7n);
    for (let n = 1; n <= 5_000; n += 1) state = receiveHeartbeat(state, beat(T0 - n), clocks(T0 + n, n), 7n);
    expect(state.offsets).toHaveLength(1);
  });

  test("a wall clock that stands still does not stop ageing: the monotonic clock goes on", () => {
    const state = receiveHeartbeat(NO_HEARTBEATS, beat(T0), clocks(T0, 0), 7n);
    expect(freshness(state, clocks(T0, 5_001))).toEqual({ kind: "stale", why: "too_old" });
  });

  test("a wall clock more than two seconds behind is named, and nothing is fresh", () => {
    const behind = T0 - CLOCK_TOLERANCE_MS - 1;
    const state = receiveHeartbeat(NO_HEARTBEATS, beat(T0), clocks(behind, 0), 7n);
    expect(state.skew).toBe("wall_behind");
    expect(freshness(state, clocks(behind, 0))).toEqual({ kind: "stale", why: "clock_skew" });
  });

  /** The skew after these heartbeats, each made and received so many milliseconds after T0 by true clocks. */
  function skewAfter(wallAheadMs: number, beats: readonly { readonly made: number; readonly received: number }[]) {
    return beats.reduce(
      (state, { made, received }) =>
        receiveHeartbeat(state, beat(T0 + made), clocks(T0 + received + wallAheadMs, received), 7n),
      NO_HEARTBEATS,
    ).skew;
  }
  const live = (fromMs: number, count: number, delayMs = 20) =>
    Array.from({ length: count }, (_, n) => ({ made: fromMs + n * 1_000, received: fromMs + n * 1_000 + delayMs }));
  const backlog = (fromMs: number, count: number, receivedMs: number) =>
    Array.from({ length: count }, (_, n) => ({ made: fromMs + n * 1_000, received: receivedMs + n }));

  test("old heartbeats that are read at the start say nothing of the wall clock", () => {
    expect(skewAfter(0, backlog(0, 1, 600_000))).toBe("none");
    expect(skewAfter(0, backlog(0, 60, 600_000))).toBe("none");
    expect(skewAfter(0, [...backlog(0, 60, 600_000), ...live(600_500, 5)])).toBe("none");
  });

  test("nor do those that are read after a silence, short or long, nor one that came late", () => {
    for (const silence of [10_000, 59_000, 600_000]) {
      const missed = backlog(5_000, silence / 1_000, 5_000 + silence);
      expect(skewAfter(0, [...live(0, 5), ...missed])).toBe("none");
      expect(skewAfter(0, [...live(0, 5), ...missed, ...live(6_000 + silence, 3)])).toBe("none");
      expect(skewAfter(0, [...live(0, 5), { made: 5_000, received: 5_000 + silence }])).toBe("none");
    }
    expect(skewAfter(200, [...live(0, 3), { made: 2_000, received: 3_900 }])).toBe("none"); // the last one, read twice
  });

  test("a wall clock ahead is named by the second heartbeat of those that come as they are made", () => {
    expect(skewAfter(2_100, live(0, 1))).toBe("none");
    expect(skewAfter(2_100, live(0, 2))).toBe("wall_ahead");
    expect(skewAfter(1_900, live(0, 5))).toBe("none");
    expect(skewAfter(10_000, [...backlog(0, 60, 600_000), ...live(600_500, 3)])).toBe("wall_ahead");
  });

  test("what was named stays named while nothing can be said, and goes when the clock is right again", () => {
    let state = NO_HEARTBEATS;
    for (const ms of [0, 1_000, 2_000]) state = receiveHeartbeat(state, beat(T0 + ms), clocks(T0 + ms + 9_000, ms), 7n);
    expect(state.skew).toBe("wall_ahead");
    state = receiveHeartbeat(state, beat(T0 + 2_001), clocks(T0 + 2_001, 2_001), 7n);
    expect(state.skew).toBe("wall_ahead");
    state = receiveHeartbeat(state, beat(T0 + 3_000), clocks(T0 + 3_000, 3_000), 7n);
    expect(state.skew).toBe("none");
  });

  test("never looks younger than it is by more than the wall clock is behind", () => {
    const step = fc.record({ gapMs: fc.integer({ min: 1, max: 3_000 }), delayMs: fc.integer({ min: 0, max: 20_000 }) });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 0, max: CLOCK_TOLERANCE_MS }),
        fc.integer({ min: 0, max: 30_000 }),
        (steps, wallBehindMs, waitMs) => {
          let trueMs = T0;
          let state = NO_HEARTBEATS;
          let newest = 0;
          const at = (ms: number) => clocks(ms - wallBehindMs, ms - T0 + 123);
          const deliveries = steps.map(({ gapMs, delayMs }) => {
            trueMs += gapMs;
            return { sent: trueMs, received: trueMs + delayMs };
          });
          deliveries.sort((a, b) => a.received - b.received);
          for (const { sent, received } of deliveries) {
            state = receiveHeartbeat(state, beat(sent), at(received), 7n);
            newest = Math.max(newest, sent);
          }
          const end = Math.max(...deliveries.map(({ received }) => received)) + waitMs;
          const judged = freshness(state, at(end));
          if (judged.kind === "fresh") {
            expect(end - newest).toBeLessThanOrEqual(FRESH_WITHIN_MS + CLOCK_TOLERANCE_MS);
            expect(judged.serverNow).toBeLessThanOrEqual(end);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
