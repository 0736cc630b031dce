/**
 * Resolves names as the system does (hosts file, search domains), for `net.lookup_ip_addr` and for connections. NB: the system's resolver blocks
 * a thread of the pool that also writes files, so at most two of its four may wait for a name server, and concurrent look-ups of one name share
 * one.
 */
import { lookup } from "node:dns/promises";
import { createLimit } from "../../../platform/limit.ts";

/** Rejects when there is none. */
export type Resolve = (name: string) => Promise<readonly string[]>;

const LOOKUPS_AT_ONCE = 2;

const resolveBySystem: Resolve = async (name) =>
  (await lookup(name, { all: true, verbatim: true })).map(({ address }) => address);

export function createNames(resolve: Resolve = resolveBySystem): Resolve {
  const limit = createLimit(LOOKUPS_AT_ONCE);
  const underWay = new Map<string, Promise<readonly string[]>>();
  return (name) => {
    const known = underWay.get(name);
    if (known !== undefined) return known;
    const found = limit.run(() => resolve(name)).finally(() => underWay.delete(name));
    underWay.set(name, found);
    return found;
  };
}
