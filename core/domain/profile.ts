/**
 * When and from where an account usually calls: input for policies (docs/context.md), never a verdict. It is made of sightings, one per hour of
 * the day and network and at most one in ten minutes, so a busy script weighs no more than a person, and one night of an attacker does not become
 * the norm.
 */
import type { Instant } from "./time.ts";

/** An account was allowed something. */
export type Sighting = {
  readonly issuer: string;
  readonly subject: string;
  /** Of the day, UTC. */
  readonly hour: number;
  /** /24 or /48; empty where the address is not known. */
  readonly network: string;
  /** ISO 3166-1 code, by the decision service's database; empty where it knows none. */
  readonly country: string;
  readonly at: Instant;
};

/** How often, and when last. */
type Counted = { readonly count: number; readonly last: Instant };

export type Profile = {
  readonly issuer: string;
  readonly subject: string;
  /** Sightings that it is made of. */
  readonly observations: number;
  /** The first of them. */
  readonly since: Instant;
  readonly asOf: Instant;
  readonly hours: readonly (Counted & { readonly hour: number })[];
  /** Not those of which the address is not known. */
  readonly networks: readonly (Counted & { readonly network: string })[];
  /** Counted separately from networks, which change while somebody stays in one country. */
  readonly countries: readonly (Counted & { readonly country: string })[];
};

/** Those seen last stay. */
export const MOST_NETWORKS = 16;
export const MOST_COUNTRIES = 16;

/** One of each account, hour and network. */
export function latestOfEach(sightings: readonly Sighting[]): readonly Sighting[] {
  const found = new Map<string, Sighting>();
  for (const one of sightings) {
    const { issuer, subject, hour, network } = one;
    const key = JSON.stringify([issuer, subject, hour, network]);
    const other = found.get(key);
    if (other === undefined || other.at < one.at) found.set(key, one);
  }
  return [...found.values()];
}
