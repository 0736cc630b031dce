/**
 * Keeps one bundle active: polls its source, and hands over what is new and may be used. Whatever goes wrong, the last good one stays; it is also
 * on disk, and a start begins with it if there is one, without waiting for the source.
 *
 * One poll is one sequence: read → open (signature, times, replay) → activate (the target's own checks) → keep on disk. The first step that
 * refuses ends it, is reported once, and stays in the status until the source offers something else.
 */
import { type Instant, instant } from "../../domain/time.ts";
import { createBackoff } from "../../../platform/backoff.ts";
import type { Clock } from "../../../platform/clock.ts";
import { type BundleFiles, fingerprintOf } from "./bundle-files.ts";
import { createKeeping, type KeptEvent } from "./keep-on-disk.ts";
import type { KeptBundle } from "./kept-bundle.ts";
import { type BundleTrust, isSameProof, openBundle, type OpenedBundle, UNTIMELY } from "./open-bundle.ts";
import { type RefusalReason, refusalOf } from "./refusals.ts";
import type { BundleSource } from "./source.ts";
import type { ActiveBundle, KeeperStatus, Trouble } from "./status.ts";

/** What became of a bundle that was handed over. */
export type Taken =
  | { readonly kind: "activated"; readonly revision: string; readonly cases: number; readonly compiled: boolean }
  | (Refused & { readonly kind: "refused" });

type Refused = { readonly reason: RefusalReason; readonly detail: string };

/** Puts a bundle to use, or leaves everything as it is. A throw counts as refused: `invalid_bundle` for that, and every other one as not tried. */
export type Take = (bundle: OpenedBundle) => Promise<Taken>;

export type KeeperEvent =
  | {
      readonly kind: "bundle_activated";
      readonly active: ActiveBundle;
      readonly compiled: boolean;
      readonly tookMs: number;
    }
  | { readonly kind: "bundle_refused"; readonly from: "source" | "kept"; readonly trouble: Trouble }
  | { readonly kind: "bundle_source_failed"; readonly trouble: Trouble; readonly times: number }
  | { readonly kind: "bundle_source_back" }
  | KeptEvent
  /** Told at the first look after it. */
  | { readonly kind: "bundle_ended"; readonly active: ActiveBundle };

export type BundleKeeper = AsyncDisposable & {
  status(): KeeperStatus;
  /**
   * Looks now, and judges anew what was refused before; from now on at that source and with that trust. Resolves after the look, whatever
   * came of it: the status says.
   */
  reload(next: Pick<KeeperDeps, "source" | "trust">): Promise<void>;
  /** Resolves as soon as a bundle is active, at once when one is. Rejects with the signal's reason. */
  untilActive(): Promise<void>;
};

type KeeperDeps = {
  readonly source: BundleSource;
  readonly take: Take;
  readonly kept: KeptBundle | undefined;
  readonly trust: BundleTrust;
  readonly clock: Clock;
  readonly onEvent: (event: KeeperEvent) => void;
  readonly signal: AbortSignal;
};

/** What another try may take back, though the source holds the same. */
const PASSING: ReadonlySet<string> = new Set([...UNTIMELY, "not_tried"]);

/** Also where a server that should wait does not. */
const LEAST_MS = 500;
const FIRST_RETRY_MS = 1_000;

/** Resolves when the bundle on disk is active, else after the first look at the source, whatever came of it. */
export async function createKeeper(deps: KeeperDeps, { pollMs }: { readonly pollMs: number }): Promise<BundleKeeper> {
  const { take, kept, clock, onEvent } = deps;
  let { source, trust } = deps;
  const stop = new AbortController();
  const signal = AbortSignal.any([deps.signal, stop.signal]);
  const firstActive = Promise.withResolvers<void>();
  firstActive.promise.catch(() => {});
  signal.addEventListener("abort", () => firstActive.reject(signal.reason), { once: true });

  let active: ActiveBundle | undefined;
  let newest: OpenedBundle | undefined;
  /** By what the active one was found good. */
  let trustedBy: BundleTrust | undefined;
  let answeredAt: Instant | undefined;
  let refused: (Trouble & { readonly fingerprint: string }) | undefined;
  let failing: KeeperStatus["failing"];
  let seen: string | undefined;
  let toldEnd: ActiveBundle | undefined;
  let woken = new AbortController();
  let reloads: (() => void)[] = [];
  const now = () => instant(Math.max(0, Math.floor(clock.wallMs())));
  const keeping = createKeeping({ kept, now, onEvent });

  function hasEnded(): boolean {
    const until = active?.bundle.proof?.validUntil;
    return until !== undefined && until <= now();
  }

  function tellEnd(): void {
    if (active === undefined || active === toldEnd || !hasEnded()) return;
    toldEnd = active;
    onEvent({ kind: "bundle_ended", active });
  }

  /** Why it was not taken, if it was not. */
  async function accept(files: BundleFiles, from: "source" | "kept"): Promise<string | undefined> {
    const startedMs = clock.monotonicMs();
    const fingerprint = fingerprintOf(files);
    const isActive = fingerprint === active?.bundle.fingerprint;
    // What was judged before is not judged again, by a source without tags at every look.
    if (isActive && trust === trustedBy) {
      refused = undefined;
      return undefined;
    }
    if (fingerprint === refused?.fingerprint && !PASSING.has(refused.reason)) return refused.reason;
    const by = trust;
    const opened = await openBundle(files, by, { fingerprint, now: now(), newest, kept: from === "kept" }).catch(
      refusalOf,
    );
    if (opened.kind === "refused") return refuse(opened, from, fingerprint);
    // By keys or rules that hold no more: the look that a reload has asked for judges it anew.
    if (trust !== by) return "not_tried";
    const { bundle } = opened;
    if (isActive && isSameProof(active?.bundle, bundle)) {
      trustedBy = by;
      refused = undefined;
      return undefined;
    }
    const taken = await take(bundle).catch(refusalOf);
    if (taken.kind === "refused") return refuse(taken, from, fingerprint);
    const { revision, cases, compiled } = taken;
    active = { revision, bundle, from, at: now(), cases };
    newest = bundle;
    trustedBy = by;
    refused = undefined;
    firstActive.resolve();
    onEvent({ kind: "bundle_activated", active, compiled, tookMs: Math.round(clock.monotonicMs() - startedMs) });
    if (from === "source") keeping.want(bundle);
    return undefined;
  }

  function refuse({ reason, detail }: Refused, from: "source" | "kept", fingerprint: string): string {
    const isTold = refused?.reason === reason && refused.detail === detail && refused.fingerprint === fingerprint;
    const at = now();
    if (from === "source") refused = { reason, detail, fingerprint, at: isTold ? (refused?.at ?? at) : at };
    if (!isTold) onEvent({ kind: "bundle_refused", from, trouble: { reason, detail, at } });
    return reason;
  }

  /**
   * Whether the one on disk is done with. NB: as long as it could not be tried, an older one of the source is not known as such, and would
   * take its place.
   */
  async function beginWithKept(): Promise<boolean> {
    if (begin === undefined) return true;
    if ((await accept(begin, "kept")) === "not_tried") return false;
    begin = undefined;
    return true;
  }

  /** How to wait for the next one. */
  async function look(): Promise<"again" | "poll" | "retry"> {
    if (!(await beginWithKept())) return "retry";
    const found = await source.look(seen, AbortSignal.any([signal, woken.signal]));
    if (woken.signal.aborted || signal.aborted) return "again";
    if (found.kind === "failed") {
      const { reason, detail } = found;
      failing = { reason, detail, at: failing?.at ?? now(), times: (failing?.times ?? 0) + 1 };
      onEvent({ kind: "bundle_source_failed", trouble: failing, times: failing.times });
      return "retry";
    }
    if (failing !== undefined) onEvent({ kind: "bundle_source_back" });
    failing = undefined;
    answeredAt = now();
    if (found.kind === "found") {
      await accept(found.files, "source");
      // NB: with its tag the server would say for ever that there is nothing new, also when our clock was set right meanwhile.
      const isPassing = PASSING.has(refused?.reason ?? "");
      seen = isPassing ? undefined : found.tag;
      if (isPassing) return "poll";
    }
    return found.waits ? "again" : "poll";
  }

  async function keepLooking(first: "again" | "poll" | "retry" | undefined): Promise<void> {
    const waits = {
      again: createBackoff({ firstMs: LEAST_MS, maxMs: LEAST_MS }),
      poll: createBackoff({ firstMs: pollMs, maxMs: pollMs }),
      retry: createBackoff({ firstMs: Math.min(FIRST_RETRY_MS, pollMs), maxMs: pollMs }),
    };
    for (let next = first; !signal.aborted; ) {
      if (next !== undefined) {
        if (next !== "retry") waits.retry.reset();
        await waits[next].wait(AbortSignal.any([signal, woken.signal])).catch(() => {});
      }
      if (woken.signal.aborted) {
        woken = new AbortController();
        seen = undefined;
        refused = undefined;
      }
      const answered = reloads;
      reloads = [];
      if (!signal.aborted) next = await look();
      await keeping.tryNow();
      tellEnd();
      for (const done of answered) done();
    }
  }

  let begin = await kept?.read().catch((error: unknown) => {
    refuse(refusalOf(error), "kept", "");
    return undefined;
  });
  await beginWithKept();
  const first = active === undefined ? await look() : undefined;
  await keeping.tryNow();
  const loop = keepLooking(first);

  return {
    status: () => ({
      source: source.name,
      active,
      hasEnded: hasEnded(),
      answeredAt,
      refused: withoutFingerprint(refused),
      failing,
      notKept: keeping.notKept(),
    }),
    reload(next) {
      ({ source, trust } = next);
      return new Promise((resolve) => {
        reloads.push(resolve);
        woken.abort();
      });
    },
    untilActive: () => firstActive.promise,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await loop;
      for (const done of reloads) done();
    },
  };
}

function withoutFingerprint(trouble: (Trouble & { readonly fingerprint: string }) | undefined): Trouble | undefined {
  if (trouble === undefined) return undefined;
  const { reason, detail, at } = trouble;
  return { reason, detail, at };
}
