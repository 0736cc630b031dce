/**
 * The key sets of all issuers, refreshed in the background: a check only uses what is here, so a hanging identity provider never delays one. Each
 * issuer has a loop of its own, so a slow one does not delay the others.
 *
 * - Every 4 min a set is confirmed or replaced, so a removed key stops working within 5 min.
 * - A set that cannot be confirmed stays for 24 h, across restarts if there is a directory. Its age is the larger of wall-clock age and elapsed
 *   time here: neither a clock that is set back nor a restart makes keys younger.
 * - An unknown key id triggers a refresh, at most every 30 s per issuer; later requests join the next one.
 * - After a failure the next attempt comes sooner (1 s, doubling to 30 s), independent of requests.
 * - An empty or unusable set counts as a failure: an issuer without keys is far more often a mistake than intended.
 */
import { setTimeout as timeout } from "node:timers/promises";
import type { Instant } from "../domain/time.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Issuer, Issuers } from "./issuers.ts";
import type { KeySet } from "./key-set.ts";
import { createLastGoodKeys } from "./last-good-keys.ts";
import { type LoadFault, loadKeySet } from "./load-key-set.ts";
import type { KeySetReader } from "./verify-token.ts";

/** What happened; one function of the service logs and counts each. Holds no token and no key. */
export type KeySetEvent =
  | { readonly kind: "keys_restored"; readonly issuer: string; readonly ageMs: number }
  | {
      readonly kind: "keys_refreshed";
      readonly issuer: string;
      readonly changed: boolean;
      readonly keys: number;
      readonly ignored: number;
    }
  | {
      readonly kind: "keys_refresh_failed";
      readonly issuer: string;
      readonly reason: LoadFault;
      readonly tookMs: number;
    }
  | { readonly kind: "keys_not_persisted"; readonly issuer: string }
  | { readonly kind: "keys_requested"; readonly issuer: string };

interface KeySets extends KeySetReader, AsyncDisposable {
  /** Looks at every source now. Those that failed; their last good sets stay. */
  reload(): Promise<readonly { readonly issuer: string; readonly reason: LoadFault }[]>;
  /** One row for each issuer: for readiness (every issuer usable) and metrics (age). */
  status(
    now: Instant,
  ): readonly { readonly issuer: string; readonly usable: boolean; readonly ageMs: number | undefined }[];
}

export type KeySetTimes = {
  readonly refreshMs: number;
  readonly requestedMs: number;
  readonly lifetimeMs: number;
  readonly timeoutMs: number;
  readonly retryMs: number;
};

const DEFAULT_TIMES: KeySetTimes = {
  refreshMs: 4 * 60_000,
  requestedMs: 30_000,
  lifetimeMs: 24 * 3_600_000,
  timeoutMs: 5_000,
  retryMs: 1_000,
};

type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;
const sleepBySystem: Sleep = (ms, signal) => timeout(ms, undefined, { signal, ref: false });

/** `confirmedAt` by the wall clock; `seenAtMs` monotonic, and `agedMs` what it was old by then. */
type Confirmed = {
  readonly keySet: KeySet;
  readonly confirmedAt: number;
  readonly seenAtMs: number;
  readonly agedMs: number;
};

type Held = {
  readonly issuer: Issuer;
  current: Confirmed | undefined;
  /** Number of the latest look that was begun, and of the one that `current` came from. */
  begun: number;
  shown: number;
  /** Whether the last write to the disk succeeded, once it is through. */
  written: Promise<boolean>;
  requested: boolean;
  wake: () => void;
};

/** Restores what is on disk, then starts the loops; waits for no network. Ends by the signal or by being disposed. */
export async function createKeySets(
  deps: {
    readonly issuers: Issuers;
    readonly clock: Clock;
    /** PEM, in place of the system's, by which the host of the issuer's keys is verified; asked at each look. */
    readonly authorityOf?: (issuer: string) => string | undefined;
    /** Rejects when the signal aborts; by `clock`. */
    readonly sleep?: Sleep;
    readonly onEvent: (event: KeySetEvent) => void;
    readonly signal?: AbortSignal;
  },
  options: { readonly directory?: string; readonly times?: Partial<KeySetTimes> } = {},
): Promise<KeySets> {
  const { clock, onEvent, authorityOf, sleep = sleepBySystem } = deps;
  const times = { ...DEFAULT_TIMES, ...options.times };
  const disk = options.directory === undefined ? undefined : createLastGoodKeys(options.directory);
  const stop = new AbortController();
  const signal = deps.signal === undefined ? stop.signal : AbortSignal.any([deps.signal, stop.signal]);
  const all = new Map<string, Held>();

  for (const issuer of deps.issuers.values()) {
    const held: Held = {
      issuer,
      current: undefined,
      begun: 0,
      shown: 0,
      written: Promise.resolve(true),
      requested: false,
      wake: () => {},
    };
    all.set(issuer.issuer, held);
    const lastGood = await disk?.read(issuer);
    const ageMs = clock.wallMs() - (lastGood?.confirmedAt ?? 0);
    // NB: one from the future would never grow too old.
    if (lastGood === undefined || ageMs < 0 || ageMs > times.lifetimeMs) continue;
    held.current = { ...lastGood, seenAtMs: clock.monotonicMs(), agedMs: ageMs };
    onEvent({ kind: "keys_restored", issuer: issuer.issuer, ageMs });
  }

  /** Why it failed, or nothing. */
  const refresh = async (held: Held): Promise<LoadFault | undefined> => {
    const { issuer } = held.issuer;
    const startedAt = clock.monotonicMs();
    held.requested = false;
    held.begun += 1;
    const look = held.begun;
    const ca = authorityOf?.(issuer);
    const loaded = await loadKeySet(held.issuer.keySource, { timeoutMs: times.timeoutMs, signal, ca });
    if (signal.aborted) return "timeout";
    if (loaded.kind === "failed") {
      const tookMs = Math.round(clock.monotonicMs() - startedAt);
      onEvent({ kind: "keys_refresh_failed", issuer, reason: loaded.reason, tookMs });
      return loaded.reason;
    }
    // NB: what a slow answer saw before a later look (a reload) may hold a key that was removed since.
    if (look < held.shown) return undefined;
    held.shown = look;
    const changed = held.current?.keySet.fingerprint !== loaded.keySet.fingerprint;
    // The same keys stay the same object, so that what was verified with them stays verified.
    const keySet = changed || held.current === undefined ? loaded.keySet : held.current.keySet;
    held.current = { keySet, confirmedAt: clock.wallMs(), seenAtMs: clock.monotonicMs(), agedMs: 0 };
    onEvent({ kind: "keys_refreshed", issuer, changed, keys: keySet.keys.length, ignored: loaded.keySet.ignored });
    // One after the other, and what counts at its turn: an older set that lands last would come back at a restart.
    held.written = held.written.then(async () => {
      return disk === undefined || held.current === undefined || disk.write(held.issuer, held.current);
    });
    if (!(await held.written)) onEvent({ kind: "keys_not_persisted", issuer });
    return undefined;
  };

  const keepFresh = async (held: Held) => {
    let retryMs = times.retryMs;
    while (!signal.aborted) {
      const startedAt = clock.monotonicMs();
      const succeeded = (await refresh(held)) === undefined;
      const regularMs = succeeded ? times.refreshMs : retryMs;
      retryMs = succeeded ? times.retryMs : Math.min(retryMs * 2, times.requestedMs);
      const leftMs = () => {
        const dueMs = held.requested && succeeded ? Math.min(regularMs, times.requestedMs) : regularMs;
        return startedAt + dueMs - clock.monotonicMs();
      };
      while (!signal.aborted && leftMs() > 0) await pause(held, leftMs(), { signal, sleep });
    }
  };
  const loops = [...all.values()].map(keepFresh);
  const ageOf = ({ confirmedAt, seenAtMs, agedMs }: Confirmed, now: Instant) =>
    Math.max(now - confirmedAt, clock.monotonicMs() - seenAtMs + agedMs);

  return {
    current(issuer, now) {
      const held = all.get(issuer)?.current;
      return held === undefined || ageOf(held, now) > times.lifetimeMs ? undefined : held.keySet;
    },
    requestRefresh(issuer) {
      const held = all.get(issuer);
      if (held === undefined || held.requested) return;
      held.requested = true;
      onEvent({ kind: "keys_requested", issuer });
      held.wake();
    },
    async reload() {
      const looked = [...all.values()].map(async (held) => ({
        issuer: held.issuer.issuer,
        reason: await refresh(held),
      }));
      return (await Promise.all(looked)).flatMap(({ issuer, reason }) =>
        reason === undefined ? [] : [{ issuer, reason }],
      );
    },
    status: (now) =>
      [...all.values()].map(({ issuer, current }) => {
        const ageMs = current === undefined ? undefined : ageOf(current, now);
        return { issuer: issuer.issuer, usable: ageMs !== undefined && ageMs <= times.lifetimeMs, ageMs };
      }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(loops);
    },
  };
}

/** Until the time is over, the issuer is woken, or all ends. */
async function pause(
  held: Held,
  ms: number,
  { signal, sleep }: { readonly signal: AbortSignal; readonly sleep: Sleep },
): Promise<void> {
  const woken = new AbortController();
  held.wake = () => woken.abort();
  try {
    await sleep(ms, AbortSignal.any([signal, woken.signal]));
  } catch {
    // Woken or ended: the caller looks again.
  }
}
