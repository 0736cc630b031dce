/**
 * Whether what we know of the grants is recent enough to open anything. The state relay sends heartbeats `{T, setHash}`:
 * everything committed before database time T precedes the heartbeat in the topic, and the set of keys then hashes to
 * `setHash`. From the heartbeats we estimate the database's time without trusting our wall clock alone:
 *
 *     serverNow = max(wall, mono + max(Tᵢ − monoᵢ) over the heartbeats received in the last 60 s, or the last value kept)
 *     fresh    ⇔  serverNow − max T ≤ 5 s, the set hash equals ours, and our wall clock is not behind
 *
 * A heartbeat arrives after it was made, so Tᵢ − monoᵢ never exceeds the true offset: the estimate can be late, and the
 * wall clock covers that as long as it is at most 2 s behind. Together: no allow later than 7 s after a revocation was
 * committed (rule 3). A backlog that is read late looks old, because only the largest T counts and T is in the record.
 */
import { type Instant, instant } from "./time.ts";

/** A heartbeat older than this does not open anything. */
export const FRESH_WITHIN_MS = 5_000;
/** How far a wall clock may be off, and how long before its end a grant is no longer used by a PDP. */
export const CLOCK_TOLERANCE_MS = 2_000;
/** Offsets seen longer ago than this no longer count: a monotonic clock drifts. */
const OFFSET_WINDOW_MS = 60_000;

/** Both clocks of one process, read together. `monoMs` counts from an arbitrary start and never goes back. */
export type Clocks = { readonly wall: Instant; readonly monoMs: number };

export type Heartbeat = { readonly databaseTime: Instant; readonly setHash: bigint };

type Offset = { readonly receivedMonoMs: number; readonly offsetMs: number };

export type Heartbeats = {
  readonly latest: { readonly databaseTime: Instant; readonly setEqual: boolean } | undefined;
  /** Offsets of the last 60 s that may still become the maximum: falling in offset, rising in time. */
  readonly offsets: readonly Offset[];
  /** The last maximum, kept when the window has run empty. */
  readonly keptOffsetMs: number | undefined;
  /** What the newest heartbeat said of our wall clock, for the log and the metric. */
  readonly skew: "none" | "wall_behind" | "wall_ahead";
};

export const NO_HEARTBEATS: Heartbeats = { latest: undefined, offsets: [], keptOffsetMs: undefined, skew: "none" };

/**
 * Takes one received heartbeat. `ownSetHash` is the receiver's own at this offset: whether the two are equal is decided
 * here and holds until the next heartbeat. One with a smaller T than the largest (a replay, a deposed relay's late
 * record, a backlog out of order) changes nothing. NB: not even the offsets: its own can never be the largest, but after
 * a silence it would be the only one left, and the database's time would seem to have gone back to it.
 */
export function receiveHeartbeat(
  before: Heartbeats,
  heartbeat: Heartbeat,
  clocks: Clocks,
  ownSetHash: bigint,
): Heartbeats {
  const { databaseTime } = heartbeat;
  if (before.latest !== undefined && databaseTime < before.latest.databaseTime) return before;
  const latest = { databaseTime, setEqual: heartbeat.setHash === ownSetHash };
  // The same heartbeat once more says something of our set, but nothing new of the time.
  if (databaseTime === before.latest?.databaseTime) return { ...before, latest };
  const offsets = withOffset(before, databaseTime - clocks.monoMs, clocks.monoMs);
  return { offsets, keptOffsetMs: offsets[0]?.offsetMs, latest, skew: skewOf(databaseTime, clocks.wall) };
}

/**
 * The offsets after one more. NB: after a silence of more than the window, the last maximum goes on for one window next
 * to the new one: the first heartbeat of a backlog is a late one, and must not say alone what time it is.
 */
function withOffset(before: Heartbeats, offsetMs: number, monoMs: number): readonly Offset[] {
  const recent = before.offsets.filter((seen) => monoMs - seen.receivedMonoMs <= OFFSET_WINDOW_MS);
  const known =
    recent.length === 0 && before.keptOffsetMs !== undefined
      ? [{ receivedMonoMs: monoMs, offsetMs: before.keptOffsetMs }]
      : recent;
  return [...known.filter((seen) => seen.offsetMs > offsetMs), { receivedMonoMs: monoMs, offsetMs }];
}

function skewOf(databaseTime: Instant, wall: Instant): Heartbeats["skew"] {
  if (databaseTime > wall + CLOCK_TOLERANCE_MS) return "wall_behind";
  return wall > databaseTime + CLOCK_TOLERANCE_MS ? "wall_ahead" : "none";
}

export type StaleReason = "no_heartbeat" | "too_old" | "set_hash_differs" | "clock_skew";

export type Freshness =
  | { readonly kind: "fresh"; readonly serverNow: Instant; readonly databaseTime: Instant }
  | { readonly kind: "stale"; readonly why: StaleReason };

/** The one judgement. Deny is its initial value: every way to be unsure is stale. */
export function freshness(heartbeats: Heartbeats, clocks: Clocks): Freshness {
  const { latest } = heartbeats;
  if (latest === undefined) return { kind: "stale", why: "no_heartbeat" };
  if (latest.databaseTime > clocks.wall + CLOCK_TOLERANCE_MS) return { kind: "stale", why: "clock_skew" };
  const serverNow = serverTime(heartbeats, clocks);
  if (serverNow - latest.databaseTime > FRESH_WITHIN_MS) return { kind: "stale", why: "too_old" };
  if (!latest.setEqual) return { kind: "stale", why: "set_hash_differs" };
  return { kind: "fresh", serverNow, databaseTime: latest.databaseTime };
}

function serverTime(heartbeats: Heartbeats, clocks: Clocks): Instant {
  const inWindow = heartbeats.offsets.find((seen) => clocks.monoMs - seen.receivedMonoMs <= OFFSET_WINDOW_MS);
  const offsetMs = inWindow?.offsetMs ?? heartbeats.keptOffsetMs;
  if (offsetMs === undefined) return clocks.wall;
  return instant(Math.max(clocks.wall, Math.floor(clocks.monoMs + offsetMs)));
}
