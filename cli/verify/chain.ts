/**
 * Judges logs from their events, as they come: from the first index that is seen, each follows the one before (core/domain/log-chain.ts) and
 * repeats only itself. In a decision service's log an event that comes before its predecessor waits for it (a decision that was set aside
 * and replayed comes late); one that waits at the end is a gap. The first fault of a log is its result; what comes after is not judged.
 *
 * NB: what a chain alone cannot show. Somebody who rewrites a log from some index to its end, hashes included, makes another
 * whole log, and a tail that is cut off leaves a whole log: both need a head that was published elsewhere. A decision
 * service's log says when it is closed, so a missing tail there shows as `tail_unknown`. A log whose first index is not 0
 * began before this input, by retention or by loss; what comes late from before it (a decision that was set aside, replayed after retention
 * has taken its neighbours) has nothing to stand beside: of it only its own hash is judged, and it is counted as `unjudged`.
 */
import { unreachable } from "../../core/domain/app-error.ts";
import type { Digest } from "../../core/domain/id.ts";
import { BEGINNING, endAfter, type LogEnd, standing } from "../../core/domain/log-chain.ts";
import type { Link, ReadEvent } from "./audit-record.ts";

type Unbroken<Kind extends string> = {
  readonly kind: Kind;
  readonly log: string;
  readonly first: number;
  readonly last: number;
  /** Events from before `first`, if there are any. */
  readonly unjudged?: number;
};

export type LogVerdict =
  | Unbroken<"whole">
  | Unbroken<"tail_unknown">
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
  readonly hashes: Digest[];
  end: LogEnd;
  /** By index, those that came before their predecessors. */
  readonly early: Map<bigint, { readonly link: Link; readonly fault: string | undefined }>;
  /** By index, those of a decision service's log that came from before `first`. */
  readonly unjudged: Map<number, Digest>;
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
        const end = fromZero || link.index === 0n ? BEGINNING : endBefore(link);
        chain = {
          log: link.log,
          first: Number(end.nextIndex),
          hashes: [],
          end,
          early: new Map(),
          unjudged: new Map(),
          broken: undefined,
        };
        chains.set(link.log, chain);
      }
      if (chain.broken === undefined) extend(chain, link, fault);
      // Whatever waited for it.
      while (chain.broken === undefined) {
        const { nextIndex } = chain.end;
        const waiting = chain.early.get(nextIndex);
        if (waiting === undefined) break;
        chain.early.delete(nextIndex);
        extend(chain, waiting.link, waiting.fault);
      }
    },
    verdict: () => ({ logs: [...chains.values()].map(judged), unreadable }),
  };
}

/** Of a log that began before this input: what is named there cannot be compared. */
function endBefore({ index, previous }: Link): LogEnd {
  return { nextIndex: index, lastHash: previous, closed: false };
}

const missing = (found: bigint) => `missing: the next event found is ${found}`;
const FORK = "fork: two events with this index and different hashes";

function extend(chain: Chain, link: Link, fault: string | undefined): void {
  const expected = Number(chain.end.nextIndex);
  const index = Number(link.index);
  const broken = (at: number, reason: string) => {
    chain.broken = { index: at, reason };
  };
  const at = standing(link, chain.end);
  if (at === "ahead" && !isDecisionLog(chain)) return broken(expected, missing(link.index));
  if (at === "ahead") {
    const other = chain.early.get(link.index);
    if (other !== undefined && other.link.hash !== link.hash) return broken(index, FORK);
    chain.early.set(link.index, { link, fault });
    return undefined;
  }
  if (fault !== undefined) return broken(index, fault);
  switch (at) {
    case "known":
      if (index < chain.first) {
        if (!isDecisionLog(chain)) return broken(index, `out of order: found after ${expected - 1}`);
        if (link.closes) return broken(index, "it closes the log, and events with a higher index were found before");
        if ((chain.unjudged.get(index) ?? link.hash) !== link.hash) return broken(index, FORK);
        chain.unjudged.set(index, link.hash);
        return undefined;
      }
      return chain.hashes[index - chain.first] === link.hash ? undefined : broken(index, FORK);
    case "log_closed":
      return broken(index, "an event after the log was closed");
    case "chain_broken":
      return broken(
        index,
        index === 0 ? "the first event names a predecessor" : `names another predecessor than event ${index - 1}`,
      );
    case "next":
      chain.hashes.push(link.hash);
      chain.end = endAfter(link);
      return undefined;
    default:
      throw unreachable(at satisfies never);
  }
}

function judged(chain: Chain): LogVerdict {
  const { log, first } = chain;
  if (chain.broken !== undefined) return { kind: "broken", log, ...chain.broken };
  const last = first + chain.hashes.length - 1;
  if (chain.early.size > 0) {
    const reason = missing([...chain.early.keys()].reduce((least, one) => (one < least ? one : least)));
    return { kind: "broken", log, index: last + 1, reason };
  }
  const open = isDecisionLog(chain) && !chain.end.closed;
  const unjudged = chain.unjudged.size === 0 ? {} : { unjudged: chain.unjudged.size };
  return { kind: open ? "tail_unknown" : "whole", log, first, last, ...unjudged };
}

function isDecisionLog({ log }: Chain): boolean {
  return log.startsWith("pdp/");
}
