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
/** Heartbeats are made every second; two that come closer together than this say nothing about their pace. */
const PACE_LEAST_MS = 500;
/** How much closer together than they were made two heartbeats may come and still be no backlog. */
const PACE_SLACK_MS = 300;
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
  /** When the newest one came; undefined before the first. */
  readonly receivedMonoMs: number | undefined;
  /**
   * What the heartbeats say of our wall clock, for the log. One that is ahead of our clock says so whenever it was made; that our clock is
   * ahead, or right, only one says that was just received (`isJustReceived`): an old one in a backlog looks the same and means nothing.
   */
  readonly skew: "none" | "wall_behind" | "wall_ahead";
};

export const NO_HEARTBEATS: Heartbeats = {
  latest: undefined,
  offsets: [],
  keptOffsetMs: undefined,
  receivedMonoMs: undefined,
  skew: "none",
};

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
  // The same heartbeat again says something about our set, but nothing new about the time.
  if (databaseTime === before.latest?.databaseTime) return { ...before, latest };
  const offsets = withOffset(before, databaseTime - clocks.monoMs, clocks.monoMs);
  const isNew = isJustReceived(before, databaseTime, clocks.monoMs, offsets);
  const skew = skewOf(databaseTime, clocks.wall, isNew) ?? before.skew;
  return { offsets, keptOffsetMs: offsets[0]?.offsetMs, latest, receivedMonoMs: clocks.monoMs, skew };
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

/**
 * Whether a heartbeat came soon after it was made, as far as heartbeats alone can tell: at the pace at which they are made (those of a
 * backlog come faster), and not late by what was ever known of the database's time (after a silence the first of a backlog comes late).
 */
function isJustReceived(
  before: Heartbeats,
  databaseTime: Instant,
  monoMs: number,
  offsets: readonly Offset[],
): boolean {
  if (before.latest === undefined || before.receivedMonoMs === undefined) return false;
  const passedMs = monoMs - before.receivedMonoMs;
  const madeApartMs = databaseTime - before.latest.databaseTime;
  if (passedMs < PACE_LEAST_MS || passedMs < madeApartMs - PACE_SLACK_MS) return false;
  const bestOffsetMs = offsets[0]?.offsetMs ?? Number.POSITIVE_INFINITY;
  return databaseTime - monoMs >= bestOffsetMs - CLOCK_TOLERANCE_MS;
}

/** Undefined: this heartbeat cannot tell. */
function skewOf(databaseTime: Instant, wall: Instant, isNew: boolean): Heartbeats["skew"] | undefined {
  if (databaseTime > wall + CLOCK_TOLERANCE_MS) return "wall_behind";
  if (!isNew) return undefined;
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
