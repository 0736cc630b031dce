/**
 * SIGHUP: the configuration is read again, and each part that can change in a running process applies its share: keys, certificates, policy. A
 * refused configuration changes nothing at all. A part that cannot use what it finds (a half-written file, a certificate of another key) keeps
 * what it has, and does not hold up the others. Both are reported in the log, in `/readyz` (degraded) and in the metrics until a later reload
 * succeeds. Changed keys that no part applies are named: they need a restart.
 *
 * One reload at a time; signals that arrive meanwhile cause one more. Signals during the start cause one reload after it, since a part that does
 * not exist yet would miss it. It never ends the process, as SIGHUP would without a handler (early-hang-up.ts).
 */
import type { CheckResult } from "../http/ops-server.ts";
import type { Log } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { CannotStart, reasonOf } from "./cannot-start.ts";

export type ReadAgain<C> = () => Promise<
  { readonly kind: "run"; readonly config: C } | { readonly kind: "exit"; readonly text: string }
>;

/** Takes what `config` names, or rejects and has changed nothing. */
type Take<C> = (config: C) => Promise<void> | void;

export interface Reload<C> extends Disposable {
  /**
   * `name` is a label of metrics and the word in the log. `keys` are the dotted paths of the configuration that the part takes: a change
   * below them needs no restart.
   */
  part(name: string, keys: readonly string[], take: Take<C>): void;
  /** Once every part is there: reloads if a signal came before, and from now on at each. */
  begin(): void;
  /** For `/readyz`. */
  health(): CheckResult;
}

export function createReload<C extends object>(
  {
    log,
    metrics,
    source,
    wasHungUp,
    read,
  }: {
    readonly log: Log;
    readonly metrics: Metrics;
    /** Where the signal comes from: `process`. */
    readonly source: Pick<NodeJS.EventEmitter, "on" | "off">;
    /** Whether it came already. */
    readonly wasHungUp: () => boolean;
    readonly read: ReadAgain<C>;
  },
  initial: C,
): Reload<C> {
  const reloads = metrics.counter("reloads_total", "parts reloaded after SIGHUP, by outcome: taken or refused", [
    "part",
    "outcome",
  ]);
  const refusedNow = metrics.gauge(
    "reload_refused",
    "1 while a part keeps its previous settings because its last reload was refused",
    ["part"],
  );
  const parts = new Map<string, { readonly keys: readonly string[]; readonly take: Take<C> }>();
  const refused = new Set<string>();
  /** As it was read last and found valid. */
  let current = initial;
  let wanted = false;
  let running = false;

  function taken(part: string): void {
    reloads.inc({ part, outcome: "taken" });
    refusedNow.set({ part }, 0);
    refused.delete(part);
    log.info({ event: "reloaded", part }, "reloaded");
  }

  function kept(part: string, why: string): void {
    reloads.inc({ part, outcome: "refused" });
    refusedNow.set({ part }, 1);
    refused.add(part);
    log.error({ event: "reload_refused", part, why }, "a reload is refused; the previous settings stay in use");
  }

  async function reload(): Promise<void> {
    const again = await read();
    if (again.kind === "exit") {
      kept("configuration", again.text);
      return;
    }
    taken("configuration");
    const before = current;
    current = again.config;
    for (const [part, { take }] of parts) {
      try {
        await take(current);
        taken(part);
      } catch (error) {
        kept(part, whyOf(error));
      }
    }
    const mine = [...parts.values()].flatMap(({ keys }) => keys);
    const left = changes(before, current).filter(
      (path) => !mine.some((key) => path === key || path.startsWith(`${key}.`)),
    );
    if (left.length > 0)
      log.warn(
        { event: "reload_needs_restart", keys: left },
        "these keys changed and take effect only after a restart",
      );
  }

  async function onSignal(): Promise<void> {
    wanted = true;
    if (running) return;
    running = true;
    while (wanted) {
      wanted = false;
      await reload().catch((error: unknown) => log.error({ event: "reload_fault", err: error }, "a reload failed"));
    }
    running = false;
  }
  const listener = () => void onSignal();

  return {
    part: (name, keys, take) => void parts.set(name, { keys, take }),
    begin() {
      source.on("SIGHUP", listener);
      if (wasHungUp()) listener();
    },
    health: () =>
      refused.size === 0
        ? { status: "ok" }
        : { status: "degraded", detail: `the last reload was refused for: ${[...refused].join(", ")}` },
    [Symbol.dispose]: () => void source.off("SIGHUP", listener),
  };
}

/** Dotted paths of what differs; a list is one value. */
function changes(before: unknown, after: unknown, path = ""): readonly string[] {
  if (isMap(before) && isMap(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => changes(before[name], after[name], path === "" ? name : `${path}.${name}`));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [path];
}

function isMap(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** NB: an error's own text may quote a file; what is shown is what a refused start would show. */
function whyOf(error: unknown): string {
  return error instanceof ReloadRefused || error instanceof CannotStart ? error.message : reasonOf(error);
}

/** Why a part does not take what it found, in words that may be shown. */
export class ReloadRefused extends Error {
  override readonly name = "ReloadRefused";
}
