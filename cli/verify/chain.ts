/**
 * Judges logs from their events, as they come: from the first index that is seen, each index follows the one before, names its hash, and
 * repeats only itself. In a decision service's log an event that comes before its predecessor waits for it (a decision that was set aside
 * and replayed comes late); one that waits at the end is a gap. The first fault of a log is its result; what comes after is not judged.
 *
 * NB: what a chain alone cannot show. Somebody who rewrites a log from some index to its end, hashes included, makes another
 * whole log, and a tail that is cut off leaves a whole log: both need a head that was published elsewhere. A decision
 * service's log says when it is closed, so a missing tail there shows as `tail_unknown`. A log whose first index is not 0
 * began before this input, by retention or by loss.
 */
import { NO_PREVIOUS } from "../../core/messages/hashing.ts";
import type { Link, ReadEvent } from "./audit-record.ts";

export type LogVerdict =
  | { readonly kind: "whole"; readonly log: string; readonly first: number; readonly last: number }
  | { readonly kind: "tail_unknown"; readonly log: string; readonly first: number; readonly last: number }
  | { readonly kind: "broken"; readonly log: string; readonly index: number; readonly reason: string };

export type Verdict = {
  /** In the order in which the logs first appeared. */
  readonly logs: readonly LogVerdict[];
  /** Where something stood that is no audit event; any makes the input not whole. */
  readonly unreadable: readonly { readonly place: string; readonly detail: string }[];
};

export type ChainCheck = {
  /** `place` says where the event was found (a line, an offset). */
  add(event: ReadEvent, place: string): void;
  verdict(): Verdict;
};

type Chain = {
  readonly log: string;
  readonly first: number;
  /** Hash by position from `first`. */
  readonly hashes: string[];
  /** By index, those that came before their predecessors. */
  readonly early: Map<number, { readonly link: Link; readonly fault: string | undefined }>;
  closed: boolean;
  broken: { readonly index: number; readonly reason: string } | undefined;
};

/** `fromZero`: a log that begins later than index 0 is broken at 0. */
export function createChainCheck({ fromZero }: { readonly fromZero: boolean }): ChainCheck {
  const chains = new Map<string, Chain>();
  const unreadable: { place: string; detail: string }[] = [];

  return {
    add(event, place) {
      if (event.kind === "unreadable") {
        unreadable.push({ place, detail: event.detail });
        return;
      }
      const { link, fault } = event;
      let chain = chains.get(link.log);
      if (chain === undefined) {
        chain = {
          log: link.log,
          first: fromZero ? 0 : link.index,
          hashes: [],
          early: new Map(),
          closed: false,
          broken: undefined,
        };
        chains.set(link.log, chain);
      }
      if (chain.broken === undefined) extend(chain, link, fault);
      // Whatever waited for it.
      while (chain.broken === undefined) {
        const at = chain.first + chain.hashes.length;
        const waiting = chain.early.get(at);
        if (waiting === undefined) break;
        chain.early.delete(at);
        extend(chain, waiting.link, waiting.fault);
      }
    },
    verdict: () => ({ logs: [...chains.values()].map(judged), unreadable }),
  };
}

const missing = (found: number) => `missing: the next event found is ${found}`;
const FORK = "fork: two events with this index and different hashes";

function extend(chain: Chain, link: Link, fault: string | undefined): void {
  const expected = chain.first + chain.hashes.length;
  const { index } = link;
  const broken = (at: number, reason: string) => {
    chain.broken = { index: at, reason };
  };
  if (index > expected && !chain.log.startsWith("pdp/")) return broken(expected, missing(index));
  if (index > expected) {
    const other = chain.early.get(index);
    if (other !== undefined && other.link.hash !== link.hash) return broken(index, FORK);
    chain.early.set(index, { link, fault });
    return undefined;
  }
  if (fault !== undefined) return broken(index, fault);
  if (index < expected) {
    if (index < chain.first) return broken(index, `out of order: found after ${expected - 1}`);
    if (chain.hashes[index - chain.first] === link.hash) return undefined;
    return broken(index, FORK);
  }
  if (chain.closed) return broken(index, "an event after the log was closed");
  if (index === 0 && link.previous !== NO_PREVIOUS) return broken(0, "the first event names a predecessor");
  if (chain.hashes.length > 0 && link.previous !== chain.hashes.at(-1))
    return broken(index, `names another predecessor than event ${index - 1}`);
  chain.hashes.push(link.hash);
  chain.closed ||= link.closes;
  return undefined;
}

function judged(chain: Chain): LogVerdict {
  const { log, first } = chain;
  if (chain.broken !== undefined) return { kind: "broken", log, ...chain.broken };
  const last = first + chain.hashes.length - 1;
  if (chain.early.size > 0) {
    const reason = missing([...chain.early.keys()].reduce((least, one) => Math.min(least, one)));
    return { kind: "broken", log, index: last + 1, reason };
  }
  const open = log.startsWith("pdp/") && !chain.closed;
  return { kind: open ? "tail_unknown" : "whole", log, first, last };
}
