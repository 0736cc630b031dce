/**
 * When and from where an account usually calls: input for policies (docs/context.md), never a verdict. It is counted in days: an hour of the day, a
 * network or a country counts once a calendar day (UTC), however often and for however long the account called. So a busy script weighs no more than
 * a person, and hours with a stolen token are a day, or the two that they touch.
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

/** What a sighting says of an account, each counted by itself. */
export type Trait = {
  readonly issuer: string;
  readonly subject: string;
  /** `account`: that it was seen at all. */
  readonly kind: "account" | "hour" | "network" | "country";
  /** An hour in two digits; empty for `account`. */
  readonly value: string;
  readonly at: Instant;
};

type Counted = {
  /** Calendar days (UTC) on which it was seen, of those before the last one that are kept, and `MOST_DAYS` at most. */
  readonly days: number;
  /** The first sighting on the last of them. */
  readonly last: Instant;
};

export type Profile = {
  readonly issuer: string;
  readonly subject: string;
  /** Likewise, on which the account was seen. */
  readonly days: number;
  /** The first sighting. */
  readonly since: Instant;
  readonly asOf: Instant;
  readonly hours: readonly (Counted & { readonly hour: number })[];
  /** Not those of which the address is not known. */
  readonly networks: readonly (Counted & { readonly network: string })[];
  /** Counted separately from networks, which change while somebody stays in one country. */
  readonly countries: readonly (Counted & { readonly country: string })[];
};

/** A policy that asks for more finds nothing usual. */
export const MOST_DAYS = 31;

/**
 * Networks that are kept of an account, and as many countries: those of most days, and of the others those seen last, where a new one has the time
 * to become familiar. NB: whoever calls from many places on one day pushes out no familiar one.
 */
export const MOST_FAMILIAR = 12;
export const MOST_RECENT = 4;

const DAY_MS = 86_400_000;

/** One of each account, trait and day: the first. */
export function traitsOf(sightings: readonly Sighting[]): readonly Trait[] {
  const found = new Map<string, Trait>();
  for (const { issuer, subject, hour, network, country, at } of sightings) {
    const traits = [
      { kind: "account", value: "" },
      { kind: "hour", value: String(hour).padStart(2, "0") },
      ...(network === "" ? [] : [{ kind: "network", value: network } as const]),
      ...(country === "" ? [] : [{ kind: "country", value: country } as const]),
    ] as const;
    for (const { kind, value } of traits) {
      const key = JSON.stringify([issuer, subject, kind, value, Math.floor(at / DAY_MS)]);
      const other = found.get(key);
      if (other === undefined || at < other.at) found.set(key, { issuer, subject, kind, value, at });
    }
  }
  return [...found.values()];
}
